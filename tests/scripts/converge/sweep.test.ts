import assert from "node:assert/strict";
import type { RunObject } from "../../../components/guard/objects.ts";
import { ApiError, type ClusterConnection } from "../../../components/lifecycle/cluster.ts";
import { clearMadeOnce, strayObjects, sweep } from "../../../scripts/converge/sweep.ts";

// What it does not prove: that a real API server shows and removes objects as this one (tests/conformance/loop does).

/** A cluster of objects by path. */
function clusterOf(objects: Record<string, object>): ClusterConnection & { readonly removed: string[] } {
  const removed: string[] = [];
  const kinds = [
    { name: "configmaps", kind: "ConfigMap", namespaced: true },
    { name: "configmaps/status", kind: "ConfigMap", namespaced: true },
    { name: "secrets", kind: "Secret", namespaced: true },
    { name: "persistentvolumeclaims", kind: "PersistentVolumeClaim", namespaced: true },
    { name: "namespaces", kind: "Namespace", namespaced: false },
  ];
  return {
    removed,
    get: async (path) => {
      const answer = path === "/api/v1" ? { resources: kinds } : objects[path];
      if (answer === undefined) throw new ApiError(404, "404");
      return answer;
    },
    remove: async (path, uid) => {
      removed.push(`${path} ${uid}`);
    },
    close: () => {},
  };
}

const ours = (uid: string, more: object = {}) => ({
  metadata: { uid, managedFields: [{ manager: "pulumi-kubernetes-1a2b" }], ...more },
});
const stray = (kind: string, name: string, more: Partial<RunObject> = {}): RunObject => ({
  apiVersion: "v1",
  kind,
  namespace: "shop",
  name,
  ...more,
});

describe("the sweep after an interrupted run", () => {
  it("looks for what runs may have made and the state does not know", () => {
    const resources = [
      { urn: "urn:a", type: "kubernetes:core/v1:ConfigMap", inputs: { metadata: { name: "a", namespace: "shop" } } },
    ];
    assert.deepEqual(strayObjects([stray("ConfigMap", "a"), stray("ConfigMap", "b")], resources), [
      stray("ConfigMap", "b"),
    ]);
  });

  it("removes it by its uid, and nothing that is gone, going, or somebody else's", async () => {
    const path = (name: string) => `/api/v1/namespaces/shop/configmaps/${name}`;
    const cluster = clusterOf({
      [path("a")]: ours("1"),
      [path("going")]: ours("2", { deletionTimestamp: "now" }),
      [path("theirs")]: { metadata: { uid: "3", managedFields: [{ manager: "kubectl" }] } },
    });
    const names = ["a", "gone", "going", "theirs"];
    const said = await sweep(
      names.map((name) => stray("ConfigMap", name)),
      cluster,
    );
    assert.deepEqual(cluster.removed, [`${path("a")} 1`]);
    assert.match(said.join("\n"), /^ConfigMap shop\/a .*removed\.\nConfigMap shop\/theirs .*left alone\.$/);
    assert.deepEqual(await sweep([{ ...stray("Widget", "w"), apiVersion: "example.org/v1" }], cluster), []);
  });

  it("names what may hold data, and leaves it", async () => {
    const cluster = clusterOf({ "/api/v1/namespaces/shop/persistentvolumeclaims/data": ours("1") });
    const said = await sweep([stray("PersistentVolumeClaim", "data")], cluster);
    assert.match(said.join(), /kubectl delete persistentvolumeclaim data --namespace shop/);
    assert.deepEqual(cluster.removed, []);
  });

  it("before the next run removes only what was drawn by the one before", async () => {
    const path = "/api/v1/namespaces/shop/secrets/password";
    const cluster = clusterOf({ [path]: ours("1"), "/api/v1/namespaces/shop/configmaps/a": ours("2") });
    const strays = [stray("Secret", "password", { madeOnce: true }), stray("ConfigMap", "a")];
    assert.match((await clearMadeOnce(strays, cluster)).join(), /Secret shop\/password .*made anew/);
    assert.deepEqual(cluster.removed, [`${path} 1`]);
  });
});
