import assert from "node:assert/strict";
import { at, textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { applyAs, destroy, eventually, freshNamespace, get, isGone, patch } from "./cluster.ts";
import { Engine, urnOf } from "./engine.ts";
import { CONFIG_MAP, configMap, corePath, JOB, job, NAMESPACE } from "./fixtures.ts";

/** Not proven: an engine that is killed; see engine.cluster tests for that. Here its next run is played. */
describe("kubernetes: create", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    engine = await Engine.start();
    namespace = await freshNamespace("create");
  });

  it("makes the object and answers with its id and live state, without who manages what", async () => {
    const resource = await engine.create(CONFIG_MAP, "plain", configMap(namespace, "plain", { greeting: "hello" }));
    assert.equal(resource.id, `${namespace}/plain`);
    const live = await get(corePath(namespace, "configmaps", "plain"));
    assert.deepEqual(live["data"], { greeting: "hello" });
    assert.equal(textAt(resource.outputs, "metadata", "uid"), textAt(live, "metadata", "uid"));
    assert.equal(at(resource.outputs, "metadata", "managedFields"), undefined);
  });

  it("ids of cluster-scoped objects are their names", async () => {
    const name = `${namespace}-made`;
    const resource = await engine.createReady(NAMESPACE, "made", { metadata: { name } });
    assert.equal(resource.id, name);
    assert.equal(textAt(resource.outputs, "status", "phase"), "Active");
  });

  it("adopts what an interrupted run of the same resource made", async () => {
    const first = await engine.create(CONFIG_MAP, "interrupted", configMap(namespace, "interrupted"));
    const next = await Engine.start();
    const again = await next.create(CONFIG_MAP, "interrupted", configMap(namespace, "interrupted", { key: "changed" }));
    assert.equal(textAt(again.outputs, "metadata", "uid"), textAt(first.outputs, "metadata", "uid"));
    assert.deepEqual(again.outputs["data"], { key: "changed" });
    assert.ok(next.messages.some(({ text }) => /adopted/.test(text)));
  });

  it("makes anew what an interrupted run left in a form that cannot be changed", async () => {
    const inputs = (image: string) => {
      const skipped = job(namespace, "left", { "pulumi.com/skipAwait": "true" });
      const container = at(skipped, "spec", "template", "spec", "containers", 0) as Record<string, string>;
      container["image"] = image;
      return skipped;
    };
    const first = await engine.create(JOB, "left", inputs("registry.test/a:1"));
    const again = await (await Engine.start()).create(JOB, "left", inputs("registry.test/b:1"));
    assert.notEqual(textAt(again.outputs, "metadata", "uid"), textAt(first.outputs, "metadata", "uid"));
    assert.equal(textAt(again.outputs, "spec", "template", "spec", "containers", 0, "image"), "registry.test/b:1");
  });

  it("leaves an object of somebody else alone and says whose it is and what to do", async () => {
    const path = corePath(namespace, "configmaps", "theirs");
    await applyAs(
      path,
      { apiVersion: "v1", kind: "ConfigMap", ...configMap(namespace, "theirs", { owner: "them" }) },
      "their-tool",
    );
    await assert.rejects(
      engine.create(CONFIG_MAP, "theirs", configMap(namespace, "theirs", { owner: "us" })),
      new RegExp(
        `ConfigMap ${namespace}/theirs exists already.*"their-tool".*pulumi import kubernetes:core/v1:ConfigMap NAME ${namespace}/theirs`,
      ),
    );
    assert.deepEqual((await get(path))["data"], { owner: "them" });
  });

  it("takes over existing objects where upsertExistingObjects says so", async () => {
    const path = corePath(namespace, "configmaps", "upserted");
    await applyAs(
      path,
      { apiVersion: "v1", kind: "ConfigMap", ...configMap(namespace, "upserted", { theirs: "1" }) },
      "their-tool",
    );
    const upserting = await Engine.start({ upsertExistingObjects: "true" });
    const resource = await upserting.create(CONFIG_MAP, "upserted", configMap(namespace, "upserted", { ours: "1" }));
    assert.deepEqual(resource.outputs["data"], { ours: "1", theirs: "1" });
  });

  it("waits for an object of the same name that is being deleted", async () => {
    const path = corePath(namespace, "configmaps", "leaving");
    const held = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "leaving", namespace, finalizers: ["test/hold"] },
    };
    const old = await applyAs(path, held, "their-tool");
    await destroy(path);
    const creating = engine.create(CONFIG_MAP, "leaving", configMap(namespace, "leaving"));
    await eventually("a message about the wait", async () =>
      engine.messages.find(({ text }) => /leaving.*deletion/.test(text)),
    );
    await patch(path, { metadata: { finalizers: null } }, "their-tool");
    assert.notEqual(textAt((await creating).outputs, "metadata", "uid"), textAt(old, "metadata", "uid"));
  });

  it("waits a moment for a namespace that is made at the same time", async () => {
    const name = `${namespace}-late`;
    const creating = engine.create(CONFIG_MAP, "early", configMap(name, "early"));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await engine.createReady(NAMESPACE, "late", { metadata: { name } });
    assert.equal((await creating).id, `${name}/early`);
  });

  it("names a namespace that does not exist", async () => {
    await assert.rejects(
      engine.create(CONFIG_MAP, "nowhere", configMap("no-such-namespace", "nowhere")),
      /ConfigMap no-such-namespace\/nowhere: .*namespaces "no-such-namespace" not found/,
    );
  });

  it("passes on what the API server says about a wrong field, with its path", async () => {
    const wrong = {
      metadata: { name: "wrong", namespace },
      spec: { selector: { app: "x" }, ports: [{ port: 99999 }] },
    };
    await assert.rejects(
      engine.create("kubernetes:core/v1:Service", "wrong", wrong),
      /Service .*\/wrong: .*spec\.ports\[0\]\.port: Invalid value: 99999/,
    );
    const misspelt = { metadata: { name: "misspelt", namespace }, spec: { selectors: {}, ports: [{ port: 80 }] } };
    await assert.rejects(
      engine.create("kubernetes:core/v1:Service", "misspelt", misspelt),
      /\.spec\.selectors: field not declared in schema/,
    );
    assert.ok(await isGone(corePath(namespace, "services", "misspelt")));
  });

  it("two resources of one URN in two stacks are two owners", async () => {
    await engine.create(CONFIG_MAP, "shared", configMap(namespace, "shared"));
    const other = urnOf(CONFIG_MAP, "shared").replace("test::millwright", "other::millwright");
    const inputs = await engine.checked(other, configMap(namespace, "shared"));
    await assert.rejects(engine.createChecked(other, inputs), /exists already and was not made by this resource/);
  });
});
