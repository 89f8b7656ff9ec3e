import assert from "node:assert/strict";
import { textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { applyAs, controlPlane, destroy, eventually, freshNamespace, get, isGone, patch } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { CONFIG_MAP, configMap, corePath, DEPLOYMENT, deployment, deploymentPath, NAMESPACE } from "./fixtures.ts";

describe("kubernetes: delete", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    await controlPlane();
    engine = await Engine.start();
    namespace = await freshNamespace("delete");
  });

  it("is done when the object is gone, and when it was gone already", async () => {
    const resource = await engine.create(CONFIG_MAP, "a", configMap(namespace, "a"));
    await engine.delete(resource);
    assert.ok(await isGone(corePath(namespace, "configmaps", "a")));
    await engine.delete(resource);
  });

  it("waits for finalizers, and says what it waits for", async () => {
    const resource = await engine.create(CONFIG_MAP, "held", {
      metadata: { name: "held", namespace, finalizers: ["test/hold"] },
    });
    let done = false;
    const deleting = engine.delete(resource).then(() => {
      done = true;
    });
    await eventually("a message", async () => engine.messages.find(({ text }) => /held by test\/hold/.test(text)));
    assert.equal(done, false);
    await patch(corePath(namespace, "configmaps", "held"), { metadata: { finalizers: null } }, "their-tool");
    await deleting;
  });

  it("gives up after the time it was given, naming the finalizer", async () => {
    const resource = await engine.create(CONFIG_MAP, "stuck", {
      metadata: { name: "stuck", namespace, finalizers: ["test/stuck"] },
    });
    await assert.rejects(engine.delete(resource, 1), /still there 1 s after .*held by test\/stuck/);
    await patch(corePath(namespace, "configmaps", "stuck"), { metadata: { finalizers: null } }, "their-tool");
  });

  it("of a namespace waits until everything in it is gone", async () => {
    const name = `${namespace}-full`;
    const resource = await engine.createReady(NAMESPACE, "full", { metadata: { name } });
    await engine.create(CONFIG_MAP, "inside", configMap(name, "inside"));
    await engine.delete(resource);
    assert.ok(await isGone(`/api/v1/namespaces/${name}`));
  });

  for (const [policy, dependents] of [
    ["foreground", "gone"],
    ["orphan", "there"],
  ] as const) {
    it(`${policy}: dependents are ${dependents} when it is done`, async () => {
      const annotations = { "pulumi.com/skipAwait": "true", "pulumi.com/deletionPropagationPolicy": policy };
      const resource = await engine.create(DEPLOYMENT, policy, deployment(namespace, policy, { annotations }));
      const sets = async () => {
        const { items } = (await get(`/apis/apps/v1/namespaces/${namespace}/replicasets`)) as { items: never[] };
        return items.filter((set) => textAt(set, "metadata", "labels", "app") === policy);
      };
      await eventually("a ReplicaSet", async () => ((await sets()).length > 0 ? true : undefined));
      await engine.delete(resource);
      assert.ok(await isGone(deploymentPath(namespace, policy)));
      assert.equal((await sets()).length, dependents === "gone" ? 0 : 1);
    });
  }

  it("leaves an object alone that somebody else made in its place", async () => {
    const resource = await engine.create(CONFIG_MAP, "replaced", configMap(namespace, "replaced"));
    const path = corePath(namespace, "configmaps", "replaced");
    await destroy(path);
    await applyAs(
      path,
      { apiVersion: "v1", kind: "ConfigMap", ...configMap(namespace, "replaced", { theirs: "1" }) },
      "their-tool",
    );
    await engine.delete(resource);
    assert.deepEqual((await get(path))["data"], { theirs: "1" });
    assert.ok(engine.messages.some(({ text }) => /made again by somebody else/.test(text)));
  });
});
