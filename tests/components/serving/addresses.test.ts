import assert from "node:assert/strict";
import { MAX_MODEL_NAME_LENGTH, MAX_NAME_LENGTH } from "../../../components/core/names.ts";
import { metricsServiceName, routerMetricsUrl, versionServiceUrl } from "../../../components/serving/addresses.ts";

describe("addresses of an endpoint", () => {
  it("name a version's Service and the routers' metrics in full", () => {
    assert.equal(
      versionServiceUrl("mail-triage-training-0123456789", "models"),
      "http://mail-triage-training-0123456789.models.svc.cluster.local:8080",
    );
    assert.match(
      routerMetricsUrl("mail-triage", "models"),
      /^http:\/\/mail-triage-metrics-[0-9a-f]{10}\.models\.svc\.cluster\.local:8404\/metrics$/,
    );
  });

  it("fit into a name however long the model's is, and are no other model's", () => {
    assert.ok(metricsServiceName("m".repeat(MAX_MODEL_NAME_LENGTH)).length <= MAX_NAME_LENGTH);
    assert.notEqual(metricsServiceName("mail"), metricsServiceName("mail-metrics"));
    assert.notEqual(metricsServiceName("mail"), "mail-metrics");
  });
});
