import assert from "node:assert/strict";
import { labelsFor, selectorLabelsFor } from "../../../components/core/labels.ts";

describe("labels", () => {
  it("name the model, the part it plays and the run", () => {
    assert.deepEqual(
      labelsFor({ component: "training", model: "mail-triage", run: "mail-triage-training-0123456789" }),
      {
        "app.kubernetes.io/name": "mail-triage",
        "app.kubernetes.io/component": "training",
        "app.kubernetes.io/part-of": "millwright",
        "app.kubernetes.io/managed-by": "pulumi",
        "millwright.dev/model": "mail-triage",
        "millwright.dev/run": "mail-triage-training-0123456789",
      },
    );
  });

  it("of the platform belong to no model", () => {
    const labels = labelsFor({ component: "platform" });
    assert.equal(labels["app.kubernetes.io/name"], "millwright");
    assert.ok(!("millwright.dev/model" in labels));
  });

  it("of a selector stay the same from version to version and from run to run", () => {
    const options = { component: "serving", model: "mail-triage" } as const;
    const first = selectorLabelsFor({ ...options, version: "one", run: "a" });
    assert.deepEqual(first, selectorLabelsFor({ ...options, version: "two", run: "b" }));
    assert.deepEqual(first, labelsFor(options));
  });

  it("of a selector still tell models and parts apart", () => {
    const of = (component: "serving" | "training", model: string) => selectorLabelsFor({ component, model });
    assert.notDeepEqual(of("serving", "a"), of("serving", "b"));
    assert.notDeepEqual(of("serving", "a"), of("training", "a"));
  });
});
