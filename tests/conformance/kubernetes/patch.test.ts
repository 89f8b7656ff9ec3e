import assert from "node:assert/strict";
import { type JsonObject, textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { applyAs, controlPlane, destroy, eventually, get, isGone, patch } from "./cluster.ts";
import { Engine, type Resource, urnOf } from "./engine.ts";

const NODE_PATCH = "kubernetes:core/v1:NodePatch";
const GPU = { key: "nvidia.com/gpu", effect: "NoSchedule" };
const DRAINING = { key: "example.com/draining", effect: "NoSchedule" };

const pathOf = (name: string) => `/api/v1/nodes/${name}`;
const patchOf = (name: string, labels: JsonObject, taints?: JsonObject[]): JsonObject => ({
  kind: "Node",
  metadata: { name, labels },
  ...(taints === undefined ? {} : { spec: { taints } }),
});

/**
 * As the official plugin documents its patch resources: server-side apply to an object that exists, by a manager of the
 * patch's own, with conflicts as errors; taken away, it gives up its fields and leaves the object.
 */
describe("kubernetes: patches", function () {
  this.timeout(120_000);
  let engine: Engine;
  const nodes: string[] = [];

  /** A node that is ready, as far as controllers know, with taints that somebody has set beside theirs. */
  async function node(name: string, taints: JsonObject[] = []): Promise<string> {
    nodes.push(name);
    const metadata = { name, labels: { theirs: "yes" } };
    await applyAs(pathOf(name), { apiVersion: "v1", kind: "Node", metadata }, "kubelet");
    const conditions = [{ type: "Ready", status: "True", reason: "Test", lastHeartbeatTime: new Date().toISOString() }];
    await patch(`${pathOf(name)}/status`, { status: { conditions } }, "kubelet");
    // Every node begins with the taint of one that is not ready; a controller takes it away.
    await eventually("a node without taints", async () => ((await taintsOf(name)) === undefined ? true : undefined));
    if (taints.length > 0) await patch(pathOf(name), { spec: { taints } }, "their-tool");
    return name;
  }

  const labelsOf = async (name: string) =>
    ((await get(pathOf(name)))["metadata"] as JsonObject)["labels"] as JsonObject;
  const taintsOf = async (name: string) => ((await get(pathOf(name)))["spec"] as JsonObject)["taints"];
  const create = (name: string, declared: JsonObject): Promise<Resource> => engine.create(NODE_PATCH, name, declared);

  before(async () => {
    await controlPlane();
    engine = await Engine.start();
  });
  after(async () => {
    for (const name of nodes) if (!(await isGone(pathOf(name)))) await destroy(pathOf(name));
  });

  it("add to what is there, and take only that away again", async () => {
    const name = await node("patch-labels");
    const resource = await create("labels", patchOf(name, { ours: "1" }, [GPU]));
    assert.deepEqual(await labelsOf(name), { theirs: "yes", ours: "1" });
    assert.deepEqual(await taintsOf(name), [GPU]);
    await engine.delete(resource);
    assert.deepEqual(await labelsOf(name), { theirs: "yes" });
    assert.equal(await taintsOf(name), undefined);
    await engine.delete(resource);
  });

  it("change, and remove what they no longer say", async () => {
    const name = await node("patch-changed");
    const resource = await create("changed", patchOf(name, { a: "1", b: "1" }));
    const next = patchOf(name, { a: "2" });
    const { changed, replaces } = await engine.diff(
      resource,
      await engine.checked(resource.urn, next, resource.inputs),
    );
    assert.deepEqual([changed, replaces], [true, []]);
    const updated = await engine.update(resource, await engine.checked(resource.urn, next, resource.inputs));
    assert.deepEqual(await labelsOf(name), { theirs: "yes", a: "2" });
    await engine.delete(updated);
  });

  it("of the same fields are nothing to do a second time", async () => {
    const name = await node("patch-same");
    const resource = await create("same", patchOf(name, { a: "1" }));
    const inputs = await engine.checked(resource.urn, patchOf(name, { a: "1" }), resource.inputs);
    assert.equal((await engine.diff(resource, inputs)).changed, false);
    await engine.delete(resource);
  });

  it("never write over taints that somebody else has set: the list is one value", async () => {
    const name = await node("patch-tainted", [{ key: "theirs", effect: "NoSchedule" }]);
    await assert.rejects(create("tainted", patchOf(name, { ours: "1" }, [GPU])), (error: Error) => {
      assert.match(error.message, /conflict over spec\.taints \(owned by "their-tool"\)/);
      return true;
    });
    assert.deepEqual(await taintsOf(name), [{ key: "theirs", effect: "NoSchedule" }]);
    assert.equal((await labelsOf(name))["ours"], undefined);
  });

  it("do not take back what a controller has added since", async () => {
    const name = await node("patch-draining");
    const resource = await create("draining", patchOf(name, { ours: "1" }, [GPU]));
    await patch(pathOf(name), { spec: { taints: [GPU, DRAINING] } }, "their-controller");
    const next = await engine.checked(resource.urn, patchOf(name, { ours: "2" }, [GPU]), resource.inputs);
    await assert.rejects(engine.update(resource, next), /conflict over spec\.taints \(owned by "their-controller"\)/);
    assert.deepEqual(await taintsOf(name), [GPU, DRAINING]);
    await patch(pathOf(name), { spec: { taints: [GPU] } }, "their-controller");
    const updated = await engine.update(resource, next);
    assert.deepEqual(await labelsOf(name), { theirs: "yes", ours: "2" });
    await engine.delete(updated);
  });

  it("make no object: not when it is missing, and not when it has gone", async () => {
    await assert.rejects(
      create("missing", patchOf("patch-missing", { a: "1" })),
      /Node patch-missing is not there: a patch/,
    );
    assert.ok(await isGone(pathOf("patch-missing")));
    const name = await node("patch-gone");
    const resource = await create("gone", patchOf(name, { a: "1" }));
    await destroy(pathOf(name));
    const next = await engine.checked(resource.urn, patchOf(name, { a: "2" }), resource.inputs);
    await assert.rejects(engine.update(resource, next), /Node patch-gone is not there/);
    await engine.delete(resource);
    assert.ok(await isGone(pathOf(name)));
  });

  it("want a name, and are of the kind they are called by", async () => {
    const { failures } = await engine.check(urnOf(NODE_PATCH, "nameless"), { kind: "Node", metadata: {} });
    assert.deepEqual(failures, [{ property: "metadata.name", reason: "must name the Node that is patched" }]);
    const inputs = await engine.checked(urnOf(NODE_PATCH, "kind"), { metadata: { name: "n" } });
    assert.equal(textAt(inputs, "kind"), "Node");
  });
});
