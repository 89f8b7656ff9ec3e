import assert from "node:assert/strict";
import {
  type ExportedState,
  kubernetesId,
  type ResourceState,
  settlePending,
} from "../../../scripts/converge/pending.ts";

const configMap = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  urn: `urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::${name}`,
  type: "kubernetes:core/v1:ConfigMap",
  inputs: { metadata: { name, namespace: "n" } },
  ...more,
});

const state = (
  resources: ResourceState[],
  pending: { type: "creating" | "updating" | "deleting"; resource: ResourceState }[],
): ExportedState => ({
  version: 3,
  deployment: { manifest: {}, resources, pending_operations: pending },
});

describe("settlePending", () => {
  it("takes what was being created into the state, under the ID its provider would give it", () => {
    const repair = settlePending(
      state([configMap("a", { id: "n/a" })], [{ type: "creating", resource: configMap("b") }]),
      kubernetesId,
    );
    assert.deepEqual(repair.lookFor, [configMap("b").urn]);
    const [, taken] = repair.state.deployment.resources ?? [];
    assert.equal(taken?.id, "n/b");
    assert.deepEqual(taken?.outputs, taken?.inputs);
    assert.equal(repair.state.deployment.pending_operations, undefined);
    assert.deepEqual(repair.state.deployment.manifest, {});
  });

  it("leaves what was being updated or deleted as the state has it, to be done again", () => {
    const a = configMap("a", { id: "n/a" });
    for (const type of ["updating", "deleting"] as const) {
      const repair = settlePending(state([a], [{ type, resource: a }]), kubernetesId);
      assert.deepEqual(repair.state.deployment.resources, [a]);
      assert.deepEqual(repair.lookFor, []);
      assert.equal(repair.operations.length, 1);
    }
  });

  it("forgets a creation whose ID only the provider knows, or that the state has already", () => {
    const image: ResourceState = { urn: "urn:i", type: "docker:index/image:Image", inputs: {} };
    const known = configMap("a", { id: "n/a" });
    const repair = settlePending(
      state(
        [known],
        [
          { type: "creating", resource: image },
          { type: "creating", resource: configMap("a") },
        ],
      ),
      kubernetesId,
    );
    assert.deepEqual(repair.state.deployment.resources, [known]);
    assert.deepEqual(repair.lookFor, []);
  });

  it("does nothing to a state without pending operations", () => {
    const clean = state([configMap("a", { id: "n/a" })], []);
    assert.deepEqual(settlePending(clean, kubernetesId).operations, []);
  });
});

describe("kubernetesId", () => {
  it("is namespace/name, or the name of an object without a namespace", () => {
    assert.equal(kubernetesId(configMap("a")), "n/a");
    assert.equal(kubernetesId(configMap("a", { inputs: { metadata: { name: "a" } } })), "a");
  });

  it("is unknown for other providers and for an object without a name", () => {
    assert.equal(kubernetesId(configMap("a", { type: "docker:index/image:Image" })), undefined);
    assert.equal(kubernetesId(configMap("a", { inputs: { metadata: {} } })), undefined);
    assert.equal(kubernetesId({ urn: "u", type: "kubernetes:core/v1:ConfigMap" }), undefined);
  });
});
