import assert from "node:assert/strict";
import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";
import { at, textAt, withoutValue, withValue } from "../../../scripts/standins/kubernetes/values.ts";
import { applyAs, destroy, freshNamespace, get, patch } from "./cluster.ts";
import { Engine, type Resource } from "./engine.ts";
import {
  CONFIG_MAP,
  configMap,
  corePath,
  DEPLOYMENT,
  deployment,
  deploymentPath,
  SERVICE,
  service,
} from "./fixtures.ts";

const imageOf = (object: JsonObject) => textAt(object, "spec", "template", "spec", "containers", 0, "image");
const containers = (image: string) => ({ spec: { template: { spec: { containers: [{ name: "web", image }] } } } });

describe("kubernetes: update", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    engine = await Engine.start();
    namespace = await freshNamespace("update");
  });

  const updated = async (
    resource: Resource,
    news: JsonObject,
    options: { ignoreChanges?: string[]; preview?: boolean } = {},
  ) => await engine.update(resource, await engine.checked(resource.urn, news, resource.inputs), options);

  it("changes what changed and keeps the object", async () => {
    const resource = await engine.create(DEPLOYMENT, "a", deployment(namespace, "a"));
    const after = await updated(resource, deployment(namespace, "a", { image: "registry.test/web:2" }));
    assert.equal(imageOf(await get(deploymentPath(namespace, "a"))), "registry.test/web:2");
    assert.equal(textAt(after.outputs, "metadata", "uid"), textAt(resource.outputs, "metadata", "uid"));
  });

  it("removes live what the program no longer declares, and only that", async () => {
    const before = withValue(configMap(namespace, "removed", { kept: "1", dropped: "2" }), ["metadata", "labels"], {
      gone: "soon",
    });
    const resource = await engine.create(CONFIG_MAP, "removed", before);
    await patch(corePath(namespace, "configmaps", "removed"), { data: { theirs: "3" } }, "kubectl-edit");
    await updated(resource, configMap(namespace, "removed", { kept: "1" }));
    const live = await get(corePath(namespace, "configmaps", "removed"));
    assert.deepEqual(live["data"], { kept: "1", theirs: "3" });
    assert.equal(at(live, "metadata", "labels"), undefined);
  });

  it("puts back what kubectl changed, and names who changed what", async () => {
    const resource = await engine.create(DEPLOYMENT, "drift", deployment(namespace, "drift"));
    await patch(
      deploymentPath(namespace, "drift"),
      containers("registry.test/evil:1"),
      "kubectl-set",
      "strategic-merge-patch",
    );
    await updated(resource, withValue(deployment(namespace, "drift"), ["spec", "minReadySeconds"], 1));
    assert.equal(imageOf(await get(deploymentPath(namespace, "drift"))), "registry.test/web:1");
    const warning = engine.messages.find(({ urn, ephemeral }) => urn === resource.urn && !ephemeral);
    assert.match(warning?.text ?? "", /put back .*containers\[name="web"\]\.image \(owned by "kubectl-set"\)/);
  });

  it("refuses to fight another manager that applies the same field, naming it, the field and the ways out", async () => {
    const resource = await engine.create(DEPLOYMENT, "fight", deployment(namespace, "fight"));
    const theirs = { apiVersion: "apps/v1", kind: "Deployment", ...containers("registry.test/theirs:1") };
    await applyAs(deploymentPath(namespace, "fight"), theirs, "their-tool", true);
    const news = deployment(namespace, "fight", { image: "registry.test/web:2" });
    const expected =
      /Deployment .*\/fight: conflict over .*containers\[name="web"\]\.image \(owned by "their-tool"\).*patchForce/;
    await assert.rejects(updated(resource, news, { preview: true }), expected);
    await assert.rejects(updated(resource, news), expected);
    assert.equal(imageOf(await get(deploymentPath(namespace, "fight"))), "registry.test/theirs:1");
  });

  it("refuses to take a field it never declared from whoever set it", async () => {
    const resource = await engine.create(DEPLOYMENT, "new-field", deployment(namespace, "new-field"));
    await patch(deploymentPath(namespace, "new-field"), { spec: { replicas: 5 } }, "autoscaler");
    const news = deployment(namespace, "new-field", { replicas: 2 });
    await assert.rejects(updated(resource, news), /conflict over spec\.replicas \(owned by "autoscaler"\)/);
  });

  it("takes the field over where patchForce says so", async () => {
    const resource = await engine.create(DEPLOYMENT, "force", deployment(namespace, "force"));
    const theirs = { apiVersion: "apps/v1", kind: "Deployment", ...containers("registry.test/theirs:1") };
    await applyAs(deploymentPath(namespace, "force"), theirs, "their-tool", true);
    const annotations = { "pulumi.com/skipAwait": "true", "pulumi.com/patchForce": "true" };
    await updated(resource, deployment(namespace, "force", { image: "registry.test/web:2", annotations }));
    assert.equal(imageOf(await get(deploymentPath(namespace, "force"))), "registry.test/web:2");
  });

  it("never conflicts over replicas it does not declare", async () => {
    const resource = await engine.create(DEPLOYMENT, "scaled", deployment(namespace, "scaled"));
    await patch(`${deploymentPath(namespace, "scaled")}/scale`, { spec: { replicas: 5 } }, "autoscaler");
    const after = await updated(resource, deployment(namespace, "scaled", { image: "registry.test/web:2" }));
    assert.equal(at(after.outputs, "spec", "replicas"), 5);
  });

  it("leaves ignored fields to whoever changed them", async () => {
    const resource = await engine.create(DEPLOYMENT, "ignored", deployment(namespace, "ignored", { replicas: 1 }));
    await patch(`${deploymentPath(namespace, "ignored")}/scale`, { spec: { replicas: 5 } }, "autoscaler");
    const news = deployment(namespace, "ignored", { replicas: 1, image: "registry.test/web:2" });
    const after = await updated(resource, news, { ignoreChanges: ["spec.replicas"] });
    assert.equal(at(after.outputs, "spec", "replicas"), 5);
    assert.equal(imageOf(after.outputs), "registry.test/web:2");
  });

  it("makes again what was deleted outside without a refresh", async () => {
    const resource = await engine.create(CONFIG_MAP, "again", configMap(namespace, "again"));
    await destroy(corePath(namespace, "configmaps", "again"));
    const after = await updated(resource, configMap(namespace, "again", { key: "b" }));
    assert.notEqual(textAt(after.outputs, "metadata", "uid"), textAt(resource.outputs, "metadata", "uid"));
    assert.deepEqual((await get(corePath(namespace, "configmaps", "again")))["data"], { key: "b" });
  });

  it("applies as the manager the object was created by, even under a new URN", async () => {
    const resource = await engine.create(SERVICE, "renamed", service(namespace, "renamed"), { timeout: 1 });
    const moved = { ...resource, urn: resource.urn.replace("::renamed", "::moved") };
    const news = withoutValue(service(namespace, "renamed", { sessionAffinity: "ClientIP" }), ["spec", "ports", 0]);
    const ports = [{ port: 81 }];
    await updated(
      moved,
      withValue(withValue(news, ["spec", "ports"], ports), ["metadata", "annotations"], {
        "pulumi.com/skipAwait": "true",
      }),
    );
    const live = await get(corePath(namespace, "services", "renamed"));
    assert.deepEqual(
      (at(live, "spec", "ports") as JsonObject[]).map(({ port }) => port),
      [81],
      "the old port must not be left behind",
    );
  });
});
