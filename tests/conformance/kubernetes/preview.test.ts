import assert from "node:assert/strict";
import { at, textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { applyAs, auditedSince, auditMark, freshNamespace, get, isGone } from "./cluster.ts";
import { Engine, UNKNOWN, urnOf } from "./engine.ts";
import {
  CONFIG_MAP,
  configMap,
  corePath,
  DEFINITION,
  DEPLOYMENT,
  definition,
  deployment,
  SERVICE,
  service,
} from "./fixtures.ts";

const preview = { preview: true };

describe("kubernetes: preview", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    engine = await Engine.start();
    namespace = await freshNamespace("preview");
  });

  it("creates nothing, and answers with the server's defaults and unknowns where only the server decides", async () => {
    const promised = await engine.create(SERVICE, "web", service(namespace, "web"), preview);
    assert.equal(promised.id, "");
    assert.equal(textAt(promised.outputs, "spec", "ports", 0, "protocol"), "TCP");
    for (const path of [["status"], ["metadata", "uid"], ["metadata", "resourceVersion"], ["spec", "clusterIP"]]) {
      assert.equal(at(promised.outputs, ...path), UNKNOWN, path.join("."));
    }
    assert.ok(await isGone(corePath(namespace, "services", "web")));
  });

  it("keeps what the program says where it says it", async () => {
    const promised = await engine.create(
      SERVICE,
      "headless",
      service(namespace, "headless", { clusterIP: "None" }),
      preview,
    );
    assert.equal(textAt(promised.outputs, "spec", "clusterIP"), "None");
  });

  it("sends no write at all while inputs hold unknowns", async () => {
    await engine.checked(urnOf(CONFIG_MAP, "unknown"), configMap(namespace, "unknown"));
    const mark = await auditMark();
    const promised = await engine.create(
      CONFIG_MAP,
      "unknown",
      configMap(namespace, "unknown", { later: UNKNOWN }),
      preview,
    );
    assert.equal(at(promised.outputs, "data", "later"), UNKNOWN);
    const writes = (await auditedSince(mark)).filter(({ requestURI }) =>
      requestURI.includes(`/${namespace}/configmaps`),
    );
    assert.deepEqual(writes, []);
  });

  it("shows the API server's objections before anything is done", async () => {
    const wrong = service(namespace, "wrong", { ports: [{ port: 99999 }] });
    await assert.rejects(engine.create(SERVICE, "wrong", wrong, preview), /spec\.ports\[0\]\.port/);
  });

  it("shows that an object of somebody else is in the way", async () => {
    const path = corePath(namespace, "configmaps", "theirs");
    await applyAs(path, { apiVersion: "v1", kind: "ConfigMap", ...configMap(namespace, "theirs") }, "their-tool");
    await assert.rejects(
      engine.create(CONFIG_MAP, "theirs", configMap(namespace, "theirs"), preview),
      /exists already/,
    );
  });

  it("takes what the same update makes first for granted: a namespace, a custom kind", async () => {
    const inNamespace = await engine.create(CONFIG_MAP, "n", configMap("made-by-this-update", "n"), preview);
    assert.deepEqual(inNamespace.outputs["data"], { key: "value" });
    await engine.create(DEFINITION, "preview-widgets", definition("preview.example", "Cluster"), preview);
    const widget = { metadata: { name: "w" }, spec: { size: 1 } };
    const ofKind = await engine.create("kubernetes:preview.example/v1:Widget", "w", widget, preview);
    assert.deepEqual(ofKind.outputs["spec"], { size: 1 });
    assert.equal(
      at(ofKind.inputs, "metadata", "namespace"),
      undefined,
      "the definition said that it is cluster-scoped",
    );
  });

  it("of an update changes nothing, and keeps what stays", async () => {
    const resource = await engine.create(DEPLOYMENT, "up", deployment(namespace, "up"));
    const inputs = await engine.checked(
      resource.urn,
      deployment(namespace, "up", { image: "registry.test/web:2" }),
      resource.inputs,
    );
    const promised = await engine.update(resource, inputs, preview);
    assert.equal(textAt(promised.outputs, "spec", "template", "spec", "containers", 0, "image"), "registry.test/web:2");
    assert.equal(textAt(promised.outputs, "metadata", "uid"), textAt(resource.outputs, "metadata", "uid"));
    const live = await get(`/apis/apps/v1/namespaces/${namespace}/deployments/up`);
    assert.equal(textAt(live, "spec", "template", "spec", "containers", 0, "image"), "registry.test/web:1");
  });

  it("of a replacement does not stumble over the object that is replaced", async () => {
    const resource = await engine.create(DEPLOYMENT, "re", deployment(namespace, "re"));
    const changed = deployment(namespace, "re");
    (changed["spec"] as Record<string, unknown>)["selector"] = { matchLabels: { app: "re", tier: "front" } };
    ((at(changed, "spec", "template", "metadata") as Record<string, unknown>)["labels"] as Record<string, string>)[
      "tier"
    ] = "front";
    const inputs = await engine.checked(resource.urn, changed, resource.inputs);
    assert.equal((await engine.diff(resource, inputs)).deleteBeforeReplace, true);
    const promised = await engine.createChecked(resource.urn, inputs, preview);
    assert.equal(textAt(promised.outputs, "spec", "selector", "matchLabels", "tier"), "front");
  });
});
