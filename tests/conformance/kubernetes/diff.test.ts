import assert from "node:assert/strict";
import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";
import { at, withValue } from "../../../scripts/standins/kubernetes/values.ts";
import { auditedSince, auditMark, destroy, freshNamespace, patch } from "./cluster.ts";
import { Engine, type Resource, UNKNOWN } from "./engine.ts";
import * as fixtures from "./fixtures.ts";

const { CONFIG_MAP, configMap, DEPLOYMENT, deployment, deploymentPath, JOB, job, SECRET, SERVICE, service } = fixtures;
const skip = { "pulumi.com/skipAwait": "true" };

describe("kubernetes: diff", function () {
  this.timeout(120_000);
  let engine: Engine;
  let namespace: string;
  before(async () => {
    engine = await Engine.start();
    namespace = await freshNamespace("diff");
  });

  const changedTo = async (resource: Resource, news: JsonObject) =>
    await engine.diff(resource, await engine.checked(resource.urn, news, resource.inputs));

  it("asks the cluster nothing when nothing changed", async () => {
    const resource = await engine.create(DEPLOYMENT, "same", deployment(namespace, "same"));
    const inputs = await engine.checked(resource.urn, deployment(namespace, "same"), resource.inputs);
    const mark = await auditMark();
    const diff = await engine.diff(resource, inputs);
    assert.deepEqual(diff, { changed: false, replaces: [], deleteBeforeReplace: false, detailed: {} });
    const requests = (await auditedSince(mark)).filter(({ userAgent }) => userAgent?.startsWith("pulumi-kubernetes"));
    assert.deepEqual(requests, []);
  });

  it("names each changed path and what becomes of it", async () => {
    const resource = await engine.create(DEPLOYMENT, "paths", deployment(namespace, "paths", { replicas: 2 }));
    const news = deployment(namespace, "paths", { image: "registry.test/web:2" });
    const diff = await changedTo(resource, withValue(news, ["metadata", "labels"], { "team.example/name": "a" }));
    assert.deepEqual(diff.detailed, {
      "metadata.labels": "ADD",
      "spec.replicas": "DELETE",
      "spec.template.spec.containers[0].image": "UPDATE",
    });
    assert.deepEqual(diff.replaces, []);
  });

  it("also names what somebody changed outside, when the program changes too", async () => {
    const resource = await engine.create(DEPLOYMENT, "drift", deployment(namespace, "drift"));
    const containers = [{ name: "web", image: "registry.test/evil:1" }];
    await patch(
      deploymentPath(namespace, "drift"),
      { spec: { template: { spec: { containers } } } },
      "kubectl-set",
      "strategic-merge-patch",
    );
    const diff = await changedTo(resource, withValue(deployment(namespace, "drift"), ["spec", "minReadySeconds"], 1));
    assert.deepEqual(diff.detailed, {
      "spec.minReadySeconds": "ADD",
      "spec.template.spec.containers[0].image": "UPDATE",
    });
  });

  it("never names defaults and what controllers own", async () => {
    const resource = await engine.create(DEPLOYMENT, "owned", deployment(namespace, "owned"));
    await patch(`${deploymentPath(namespace, "owned")}/scale`, { spec: { replicas: 5 } }, "autoscaler");
    await patch(
      deploymentPath(namespace, "owned"),
      { metadata: { annotations: { "other.example/note": "x" } } },
      "other",
    );
    const diff = await changedTo(resource, withValue(deployment(namespace, "owned"), ["spec", "minReadySeconds"], 1));
    assert.deepEqual(diff.detailed, { "spec.minReadySeconds": "ADD" });
  });

  it("says what an unknown may change, without asking", async () => {
    const resource = await engine.create(CONFIG_MAP, "later", configMap(namespace, "later"));
    const mark = await auditMark();
    const diff = await changedTo(resource, configMap(namespace, "later", { key: UNKNOWN }));
    assert.deepEqual(diff.detailed, { "data.key": "UPDATE_REPLACE" });
    const writes = (await auditedSince(mark)).filter(({ requestURI }) => requestURI.includes("/configmaps/later"));
    assert.deepEqual(writes, []);
  });

  it("leaves out what ignoreChanges names", async () => {
    const resource = await engine.create(DEPLOYMENT, "ignored", deployment(namespace, "ignored", { replicas: 1 }));
    const inputs = await engine.checked(
      resource.urn,
      deployment(namespace, "ignored", { replicas: 9 }),
      resource.inputs,
    );
    assert.equal((await engine.diff(resource, inputs, ["spec.replicas"])).changed, false);
  });

  it("survives that the live object is gone", async () => {
    const resource = await engine.create(DEPLOYMENT, "gone", deployment(namespace, "gone"));
    await destroy(deploymentPath(namespace, "gone"));
    const diff = await changedTo(resource, deployment(namespace, "gone", { replicas: 3 }));
    assert.deepEqual(diff.detailed, { "spec.replicas": "ADD" });
  });

  it("refuses a change the API server calls invalid, with the field", async () => {
    const resource = await engine.create(DEPLOYMENT, "invalid", deployment(namespace, "invalid"));
    await assert.rejects(
      changedTo(resource, deployment(namespace, "invalid", { replicas: -1 })),
      /spec\.replicas: Invalid value: -1/,
    );
  });

  interface Replacement {
    readonly title: string;
    readonly type: string;
    readonly before: (name: string) => JsonObject;
    readonly path: readonly string[];
    readonly value: JsonObject[string];
    /** @default the path */
    readonly replaces?: readonly string[];
  }
  const named = (body: JsonObject) => (name: string) => ({ metadata: { name, namespace, annotations: skip }, ...body });
  const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const pod = { restartPolicy: "Never", containers: [{ name: "a", image: "registry.test/a:1" }] };
  const replacements: readonly Replacement[] = [
    {
      title: "a Job's template",
      type: JOB,
      before: (name) => job(namespace, name, skip),
      path: ["spec", "template", "spec", "restartPolicy"],
      value: "OnFailure",
    },
    {
      title: "a Job's parallelism",
      type: JOB,
      before: (name) => job(namespace, name, skip),
      path: ["spec", "parallelism"],
      value: 2,
    },
    {
      title: "a Job's completion mode, which only the server knows to be fixed",
      type: JOB,
      before: (name) =>
        withValue(
          withValue(job(namespace, name, skip), ["spec", "completions"], 1),
          ["spec", "completionMode"],
          "NonIndexed",
        ),
      path: ["spec", "completionMode"],
      value: "Indexed",
    },
    {
      title: "a Service's clusterIP",
      type: SERVICE,
      before: (name) => ({ ...service(namespace, name), ...named({})(name) }),
      path: ["spec", "clusterIP"],
      value: "None",
    },
    {
      title: "a binding's role",
      type: "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
      before: named({ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "a" }, subjects: [] }),
      path: ["roleRef", "name"],
      value: "b",
    },
    {
      title: "a claim's access modes",
      type: "kubernetes:core/v1:PersistentVolumeClaim",
      before: named({ spec: claim }),
      path: ["spec", "accessModes"],
      value: ["ReadWriteMany"],
      replaces: ["spec.accessModes[0]"],
    },
    {
      title: "a claim's volume mode, which only the server knows to be fixed",
      type: "kubernetes:core/v1:PersistentVolumeClaim",
      before: named({ spec: claim }),
      path: ["spec", "volumeMode"],
      value: "Block",
    },
    {
      title: "a Pod's image",
      type: "kubernetes:core/v1:Pod",
      before: named({ spec: pod }),
      path: ["spec", "nodeSelector"],
      value: { disk: "ssd" },
    },
    {
      title: "a Secret's type",
      type: SECRET,
      before: named({ type: "Opaque", stringData: { a: "b" } }),
      path: ["type"],
      value: "kubernetes.io/tls",
    },
    {
      title: "a ConfigMap's data",
      type: CONFIG_MAP,
      before: (name) => configMap(namespace, name),
      path: ["data", "key"],
      value: "other",
    },
    {
      title: "a StatefulSet's service",
      type: "kubernetes:apps/v1:StatefulSet",
      before: (name) => withValue(deployment(namespace, name), ["spec", "serviceName"], "a"),
      path: ["spec", "serviceName"],
      value: "b",
    },
    {
      title: "the name",
      type: CONFIG_MAP,
      before: (name) => configMap(namespace, name),
      path: ["metadata", "name"],
      value: "other-name",
    },
    {
      title: "the namespace",
      type: CONFIG_MAP,
      before: (name) => configMap(namespace, name),
      path: ["metadata", "namespace"],
      value: "default",
    },
  ];
  for (const [index, { title, type, before: old, path, value, replaces }] of replacements.entries()) {
    it(`replaces for ${title}`, async () => {
      const name = `fixed-${index}`;
      const resource = await engine.create(type, name, old(name));
      const diff = await changedTo(resource, withValue(old(name), path, value));
      assert.deepEqual(diff.replaces, replaces ?? [path.join(".")]);
      assert.match(diff.detailed[diff.replaces[0] ?? ""] ?? "", /_REPLACE$/);
      const isRenamed = path[0] === "metadata";
      assert.equal(diff.deleteBeforeReplace, !isRenamed, "what keeps its name must go first");
    });
  }

  it("updates in place what may change: replicas of a StatefulSet, data where the provider may change it", async () => {
    const set = withValue(deployment(namespace, "set"), ["spec", "serviceName"], "a");
    const stateful = await engine.create("kubernetes:apps/v1:StatefulSet", "set", set);
    assert.deepEqual((await changedTo(stateful, withValue(set, ["spec", "replicas"], 3))).replaces, []);
    const mutable = await Engine.start({ enableConfigMapMutable: "true" });
    const map = await mutable.create(CONFIG_MAP, "mutable", configMap(namespace, "mutable"));
    const diff = await mutable.diff(
      map,
      await mutable.checked(map.urn, configMap(namespace, "mutable", { key: "b" }), map.inputs),
    );
    assert.deepEqual(diff.detailed, { "data.key": "UPDATE" });
  });

  it("an immutable ConfigMap is replaced even where the provider may change data", async () => {
    const mutable = await Engine.start({ enableConfigMapMutable: "true" });
    const fixed = { ...configMap(namespace, "immutable"), immutable: true };
    const map = await mutable.create(CONFIG_MAP, "immutable", fixed);
    const news = { ...fixed, data: { key: "b" } };
    assert.deepEqual((await mutable.diff(map, await mutable.checked(map.urn, news, map.inputs))).replaces, [
      "data.key",
    ]);
  });

  it("a generated name lets the replacement come before the old object goes", async () => {
    const resource = await engine.create(CONFIG_MAP, "generated", { metadata: { namespace }, data: { key: "a" } });
    const diff = await changedTo(resource, { metadata: { namespace }, data: { key: "b" } });
    assert.deepEqual(diff.replaces, ["data.key"]);
    assert.equal(diff.deleteBeforeReplace, false);
    assert.notEqual(
      at(await engine.checked(resource.urn, { data: {} }), "metadata", "name"),
      at(resource.inputs, "metadata", "name"),
    );
  });
});
