// Proves how engine events are counted and worded. The events are built here; tests/integration proves that the engine sends such.
import assert from "node:assert/strict";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { addEvent, differingPaths, leftRescaled, NO_CHANGES } from "../../../scripts/converge/changes.ts";

function step(op: string, overrides: Record<string, unknown> = {}): EngineEvent {
  const state = { custom: true, id: "ns/web", inputs: {}, outputs: {} };
  const metadata = {
    op,
    urn: "urn:pulumi:s::p::t::web",
    type: "kubernetes:apps/v1:Deployment",
    old: state,
    new: state,
    ...overrides,
  };
  return { sequence: 0, timestamp: 0, resOutputsEvent: { metadata } } as unknown as EngineEvent;
}

describe("addEvent", () => {
  for (const [op, key] of [
    ["create", "created"],
    ["update", "updated"],
    ["replace", "replaced"],
    ["delete", "deleted"],
  ] as const) {
    it(`counts ${op} once, with kind and id`, () => {
      assert.deepEqual(addEvent(NO_CHANGES, step(op)), { ...NO_CHANGES, [key]: ["Deployment ns/web"] });
    });
  }

  it("counts no step that leaves the datacenter as it is", () => {
    for (const op of ["same", "create-replacement", "delete-replaced", "read"]) {
      assert.deepEqual(addEvent(NO_CHANGES, step(op)), NO_CHANGES, op);
    }
  });

  it("counts neither components nor providers", () => {
    const component = step("create", { new: { custom: false, id: "" }, type: "millwright:serving:Endpoint" });
    assert.deepEqual(addEvent(NO_CHANGES, component), NO_CHANGES);
    assert.deepEqual(addEvent(NO_CHANGES, step("create", { type: "pulumi:providers:kubernetes" })), NO_CHANGES);
  });

  it("names what was deleted outside", () => {
    const after = addEvent(NO_CHANGES, step("refresh", { new: undefined }));
    assert.deepEqual(after.drift, ["Deployment ns/web was deleted outside Millwright"]);
  });

  it("names the changed paths of what was changed outside", () => {
    const before = { custom: true, id: "ns/web", inputs: { spec: { containers: [{ image: "a" }], replicas: 1 } } };
    const now = { custom: true, id: "ns/web", inputs: { spec: { containers: [{ image: "b" }], replicas: 1 } } };
    const after = addEvent(NO_CHANGES, step("refresh", { old: before, new: now }));
    assert.deepEqual(after.drift, ["Deployment ns/web was changed outside Millwright: spec.containers[0].image"]);
  });

  it("calls a refresh that found nothing no drift", () => {
    assert.deepEqual(addEvent(NO_CHANGES, step("refresh")), NO_CHANGES);
  });

  it("keeps mandatory violations and drops advisory ones", () => {
    const policyEvent = {
      enforcementLevel: "mandatory",
      message: "<{%reset%}>no digest<{%reset%}>",
      policyName: "p",
      resourceUrn: "a::b::web",
    };
    const event = { sequence: 0, timestamp: 0, policyEvent } as unknown as EngineEvent;
    assert.deepEqual(addEvent(NO_CHANGES, event).violations, ["p, web: no digest"]);
    const advisory = {
      ...event,
      policyEvent: { ...policyEvent, enforcementLevel: "advisory" },
    } as unknown as EngineEvent;
    assert.deepEqual(addEvent(NO_CHANGES, advisory), NO_CHANGES);
  });

  it("keeps errors without their colours", () => {
    const event = {
      sequence: 0,
      timestamp: 0,
      diagnosticEvent: { severity: "error", message: "<{%fg 1%}>broken<{%reset%}>\n" },
    };
    assert.deepEqual(addEvent(NO_CHANGES, event as unknown as EngineEvent).errors, ["broken"]);
  });

  it("names the resource of an error that does not", () => {
    const errors = (message: string, urn: string) =>
      addEvent(NO_CHANGES, { diagnosticEvent: { severity: "error", message, urn } } as unknown as EngineEvent).errors;
    const urn = "urn:pulumi:local::millwright::pkg:a:A$kubernetes:core/v1:ConfigMap::settings-9";
    const waited = "timed out waiting for the condition";
    assert.deepEqual(errors(waited, urn), [`ConfigMap settings-9: ${waited}`]);
    assert.deepEqual(errors(`ConfigMap models/settings-9: ${waited}`, urn), [`ConfigMap models/settings-9: ${waited}`]);
    assert.deepEqual(errors("update failed", "urn:pulumi:local::millwright::pulumi:pulumi:Stack::millwright-local"), [
      "update failed",
    ]);
  });
});

describe("leftRescaled", () => {
  it("names the Deployments that lost their ScaledObject and stay", () => {
    const deleted = ["ScaledObject models/a", "ScaledObject models/b", "Deployment models/b", "ConfigMap models/a"];
    assert.deepEqual(leftRescaled({ ...NO_CHANGES, deleted }), ["Deployment models/a"]);
    assert.deepEqual(leftRescaled({ ...NO_CHANGES, updated: ["ScaledObject models/a"] }), []);
  });
});

describe("differingPaths", () => {
  it("names added, removed and changed members", () => {
    assert.deepEqual(differingPaths({ a: 1, b: [1, 2], c: { d: 1 } }, { a: 1, b: [1, 3], c: { e: 1 } }), [
      "b[1]",
      "c.d",
      "c.e",
    ]);
  });
});
