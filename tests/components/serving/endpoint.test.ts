import assert from "node:assert/strict";
import type { ServedVersion } from "../../../components/lifecycle/types.ts";
import { Endpoint } from "../../../components/serving/component.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import { declare, find, refusal } from "../engine.ts";
import { MODEL, TRAINING_RECORD, withReplicas } from "../fixtures.ts";

const artifacts = { namespace: "models", claimName: "artifacts" };
const image = "server@sha256:1";
const live: ServedVersion = { version: TRAINING_RECORD.run, model: MODEL, record: TRAINING_RECORD };
const args = { live, artifacts, image };
const rendered = renderEndpoint(args);
const pod = rendered.deployment.spec.template;
const server = pod.spec.containers[0]!;

const later: ServedVersion = {
  ...live,
  version: "mail-triage-training-ffffffffff",
  record: { ...TRAINING_RECORD, artifact: { ...TRAINING_RECORD.artifact, path: "training/later/model" } },
};

describe("endpoint", () => {
  it("mounts the version's artifact read-only and names it to the server", () => {
    assert.deepEqual(server.volumeMounts, [
      { name: "artifacts", mountPath: "/mnt/models", subPath: TRAINING_RECORD.artifact.path, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ]);
    assert.deepEqual(server.env, [
      { name: "HOME", value: "/tmp" },
      { name: "MILLWRIGHT_VERSION", value: TRAINING_RECORD.run },
      { name: "MLSERVER_MODEL_NAME", value: "mail-triage" },
      { name: "MLSERVER_MODEL_URI", value: "/mnt/models" },
      { name: "TMPDIR", value: "/tmp" },
    ]);
  });

  it("takes no server away before another one is ready", () => {
    assert.deepEqual(rendered.deployment.spec.strategy, {
      type: "RollingUpdate",
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    });
  });

  it("is ready when the model is, and alive when the server is", () => {
    assert.deepEqual(server.startupProbe.httpGet, { path: "/v2/models/mail-triage/ready", port: "http" });
    assert.deepEqual(server.readinessProbe.httpGet, server.startupProbe.httpGet);
    assert.equal(server.livenessProbe.httpGet.path, "/v2/health/live");
  });

  it("gives a server the time to start that the stack says, and the engine the time to see it", () => {
    assert.equal(server.startupProbe.periodSeconds * server.startupProbe.failureThreshold, 180);
    assert.equal(rendered.deployment.spec.progressDeadlineSeconds, 300);
    assert.equal(rendered.deployment.metadata.annotations["pulumi.com/timeoutSeconds"], "300");
    const three = renderEndpoint({ ...args, live: { ...live, model: withReplicas(3).models[0]! } });
    assert.equal(three.deployment.metadata.annotations["pulumi.com/timeoutSeconds"], "660");
  });

  it("drains before it stops", () => {
    const drain = server.lifecycle.preStop.sleep.seconds;
    assert.ok(drain > 0 && pod.spec.terminationGracePeriodSeconds > drain);
  });

  it("has a budget exactly where there is more than one server", () => {
    assert.equal(rendered.disruptionBudget, undefined);
    const two = renderEndpoint({ ...args, live: { ...live, model: withReplicas(2).models[0]! } });
    assert.equal(two.disruptionBudget?.spec.maxUnavailable, 1);
    assert.deepEqual(two.disruptionBudget.spec.selector, two.deployment.spec.selector);
  });

  it("changes with a new version nothing but the pods", () => {
    const next = renderEndpoint({ ...args, live: later });
    assert.notDeepEqual(next.deployment.spec.template, rendered.deployment.spec.template);
    const { template: _, ...spec } = rendered.deployment.spec;
    const { template: __, ...nextSpec } = next.deployment.spec;
    assert.deepEqual(nextSpec, spec);
    assert.deepEqual(next.deployment.metadata, rendered.deployment.metadata);
    assert.deepEqual(next.service, rendered.service);
  });

  it("finds the pods of every version by its selector", () => {
    const { selector } = rendered.service.spec;
    assert.deepEqual(rendered.deployment.spec.selector.matchLabels, selector);
    for (const version of [live, later]) {
      const { labels } = renderEndpoint({ ...args, live: version }).deployment.spec.template.metadata;
      assert.deepEqual({ ...labels, ...selector }, labels);
    }
  });

  it("makes the Service when the servers are ready, and waits for it", async () => {
    const { registrations } = await declare(() => new Endpoint("mail-triage", args));
    const service = find(registrations, "kubernetes:core/v1:Service");
    assert.ok(service.dependencies.includes("mail-triage-deployment"));
    assert.equal(rendered.service.metadata.annotations["pulumi.com/timeoutSeconds"], "60");
    assert.ok(!("pulumi.com/skipAwait" in rendered.service.metadata.annotations));
  });

  it("refuses a record of another model, and one whose artifact lies outside the store", async () => {
    const record = { ...TRAINING_RECORD, model: "other", artifact: { ...TRAINING_RECORD.artifact, path: "../x" } };
    const error = await refusal(() => new Endpoint("mail-triage", { ...args, live: { ...live, record } }));
    assert.match(error.message, /live\.record\.artifact\.path: .*"\.\.\/x"/);
    assert.match(error.message, /live\.record\.model: must be mail-triage \(found "other"\)/);
  });
});
