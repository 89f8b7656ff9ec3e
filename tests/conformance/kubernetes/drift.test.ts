import assert from "node:assert/strict";
import { at, textAt, withValue } from "../../../scripts/standins/kubernetes/values.ts";
import { applyAs, auditedSince, auditMark, controlPlane, destroy, freshNamespace, get, patch } from "./cluster.ts";
import { Engine, secret, urnOf } from "./engine.ts";
import {
  CONFIG_MAP,
  configMap,
  corePath,
  DEFINITION,
  DEPLOYMENT,
  definition,
  deployment,
  deploymentPath,
  SECRET,
} from "./fixtures.ts";

/** Refresh and import. Not proven: how the engine shows them; and an API server that is slow rather than away. */
describe("kubernetes: refresh and import", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    engine = await Engine.start();
    namespace = await freshNamespace("drift");
  });

  it("of an untouched object changes no input, however the server spells it", async () => {
    const env = [{ name: "A", value: "1" }];
    const resource = await engine.create(DEPLOYMENT, "same", deployment(namespace, "same", { env }));
    assert.equal(
      textAt(
        await get(deploymentPath(namespace, "same")),
        ..."spec template spec containers".split(" "),
        0,
        "resources",
        "requests",
        "cpu",
      ),
      "1",
    );
    const mark = await auditMark();
    const refreshed = await engine.refresh(resource);
    assert.deepEqual(refreshed?.inputs, resource.inputs);
    const writes = (await auditedSince(mark)).filter(
      ({ verb, userAgent }) => !/get|list|watch/.test(verb) && userAgent?.startsWith("pulumi"),
    );
    assert.deepEqual(writes, []);
  });

  it("shows a changed image at its path, and the update after it puts it back", async () => {
    const resource = await engine.create(DEPLOYMENT, "image", deployment(namespace, "image"));
    const spec = { template: { spec: { containers: [{ name: "web", image: "registry.test/evil:1" }] } } };
    await patch(deploymentPath(namespace, "image"), { spec }, "kubectl-set", "strategic-merge-patch");
    const refreshed = await engine.refresh(resource);
    assert.ok(refreshed);
    const inputs = await engine.checked(resource.urn, deployment(namespace, "image"), refreshed.inputs);
    const diff = await engine.diff(refreshed, inputs);
    assert.deepEqual(diff.detailed, { "spec.template.spec.containers[0].image": "UPDATE" });
    const repaired = await engine.update(refreshed, inputs);
    assert.equal(textAt(repaired.outputs, "spec", "template", "spec", "containers", 0, "image"), "registry.test/web:1");
    const settled = await engine.refresh(repaired);
    assert.deepEqual(settled?.inputs, inputs);
  });

  it("looks through an injected container that stands before ours", async () => {
    const resource = await engine.create(DEPLOYMENT, "injected", deployment(namespace, "injected"));
    const operations = [
      {
        op: "add",
        path: "/spec/template/spec/containers/0",
        value: { name: "sidecar", image: "registry.test/sidecar:1" },
      },
    ];
    await patch(deploymentPath(namespace, "injected"), operations as never, "injector", "json-patch");
    assert.deepEqual((await engine.refresh(resource))?.inputs, resource.inputs);
  });

  it("shows a removed key and a removed container port", async () => {
    const resource = await engine.create(CONFIG_MAP, "keys", configMap(namespace, "keys", { a: "1", b: "2" }));
    await patch(corePath(namespace, "configmaps", "keys"), { data: { a: null } }, "kubectl-edit");
    assert.deepEqual((await engine.refresh(resource))?.inputs["data"], { b: "2" });
  });

  it("does not show what controllers add", async () => {
    const resource = await engine.create(DEPLOYMENT, "added", deployment(namespace, "added"));
    await patch(`${deploymentPath(namespace, "added")}/scale`, { spec: { replicas: 3 } }, "autoscaler");
    await patch(deploymentPath(namespace, "added"), { metadata: { labels: { added: "x" } } }, "other");
    const refreshed = await engine.refresh(resource);
    assert.deepEqual(refreshed?.inputs, resource.inputs);
    assert.equal(at(refreshed?.outputs, "spec", "replicas"), 3);
  });

  it("says that a deleted object is gone", async () => {
    const resource = await engine.create(CONFIG_MAP, "gone", configMap(namespace, "gone"));
    await destroy(corePath(namespace, "configmaps", "gone"));
    assert.equal(await engine.refresh(resource), undefined);
  });

  it("says that custom objects are gone when their definition is", async () => {
    const crd = await engine.createReady(DEFINITION, "dropped", definition("dropped.example"));
    const widget = await engine.create("kubernetes:dropped.example/v1:Widget", "w", {
      metadata: { name: "w", namespace },
    });
    await engine.delete(crd);
    const later = await Engine.start();
    assert.equal(await later.refresh(widget), undefined);
  });

  it("never takes an unreachable cluster for an empty one", async () => {
    const resource = await engine.create(CONFIG_MAP, "kept", configMap(namespace, "kept"));
    const { readFileSync } = await import("node:fs");
    const kubeconfig = readFileSync((await controlPlane()).kubeconfigPath, "utf8").replaceAll(
      /127\.0\.0\.1:\d+/g,
      "127.0.0.1:1",
    );
    const lost = await Engine.unconfigured();
    await lost.configure({ kubeconfig });
    const expected =
      /API server at https:\/\/127\.0\.0\.1:1 cannot be reached .*ECONNREFUSED.*Check that it is running/;
    await assert.rejects(lost.refresh(resource), expected);
    await assert.rejects(lost.delete(resource), expected);
  });

  it("imports by id: what could have been declared becomes inputs, and the same program changes nothing", async () => {
    const path = deploymentPath(namespace, "found");
    await applyAs(path, { apiVersion: "apps/v1", kind: "Deployment", ...deployment(namespace, "found") }, "their-tool");
    const imported = await engine.read(urnOf(DEPLOYMENT, "found"), `${namespace}/found`);
    assert.ok(imported);
    assert.equal(at(imported.inputs, "status"), undefined);
    assert.equal(at(imported.inputs, "metadata", "uid"), undefined);
    const inputs = await engine.checked(imported.urn, deployment(namespace, "found"), imported.inputs);
    assert.equal((await engine.diff(imported, inputs)).changed, false);
    const other = await engine.checked(
      imported.urn,
      deployment(namespace, "found", { image: "registry.test/web:2" }),
      imported.inputs,
    );
    assert.deepEqual((await engine.diff(imported, other)).detailed, {
      "spec.template.spec.containers[0].image": "UPDATE",
    });
  });

  it("imports nothing where there is nothing", async () => {
    assert.equal(await engine.read(urnOf(DEPLOYMENT, "none"), `${namespace}/none`), undefined);
  });

  it("keeps secrets secret", async () => {
    const inputs = { metadata: { name: "pw", namespace }, stringData: { password: secret("correct-horse") } };
    const resource = await engine.create(SECRET, "pw", inputs);
    const refreshed = await engine.refresh(resource);
    assert.deepEqual(refreshed?.inputs, resource.inputs);
    const foreign = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "pw2", namespace },
      stringData: { password: "battery-staple" },
    };
    await applyAs(corePath(namespace, "secrets", "pw2"), foreign, "their-tool");
    const imported = await engine.read(urnOf(SECRET, "pw2"), `${namespace}/pw2`);
    for (const clear of ["battery-staple", Buffer.from("battery-staple").toString("base64")]) {
      assert.ok(!JSON.stringify(withValue({}, ["all"], withoutSecrets(imported))).includes(clear));
    }
  });
});

/** A wire value without what is wrapped as a secret. */
function withoutSecrets(value: unknown): never {
  const text = JSON.stringify(value, (_key, child: unknown) =>
    typeof child === "object" && child !== null && "4dabf18193072939515e22adb298388d" in child ? "[secret]" : child,
  );
  return JSON.parse(text) as never;
}
