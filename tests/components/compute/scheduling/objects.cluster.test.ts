import assert from "node:assert/strict";
import type { SchedulingSpec } from "../../../../stacks/scheduling.ts";
import { Cluster, eventually, type KubernetesObject, kueueObjects } from "../cluster.ts";
import { COUNTED, changed, objectsOf, QUEUED } from "./fixtures.ts";

/** Every object that scheduling renders, as the API server and Kueue's own definitions judge it, to the last field. */
describe("the objects of scheduling on an API server", function () {
  this.timeout(120_000);
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.start();
    for (const definition of kueueObjects("definitions")) {
      await cluster.apply(definition);
    }
    const served = { apiVersion: "kueue.x-k8s.io/v1beta2", kind: "Topology", metadata: { name: "probe" } };
    // What follows a definition is served a moment later; without its levels it is refused, but no longer unknown.
    await eventually("Kueue's kinds", async () =>
      /page not found/.test((await cluster.refusal(served)) ?? "") ? undefined : true,
    );
  });
  after(() => cluster?.stop());

  async function judge(spec: SchedulingSpec): Promise<string[]> {
    const objects = objectsOf(spec);
    for (const namespace of objects.filter(({ kind }) => kind === "Namespace")) {
      await cluster.apply(namespace);
    }
    for (const object of objects.filter(({ kind }) => kind !== "Namespace")) {
      assert.equal(await cluster.refusal(object), undefined, JSON.stringify(object));
      const misspelt = {
        ...object,
        [object.spec === undefined ? "valu" : "spec"]: { ...(object.spec ?? {}), nominl: 1 },
      };
      assert.match((await cluster.refusal(misspelt)) ?? "", /unknown field/, object.kind);
    }
    return objects.map(({ kind }) => kind);
  }

  it("are taken where Kueue keeps the quotas", async () => {
    const kinds = await judge(QUEUED);
    assert.equal(kinds.length, 7 + 7 + 1 + 5 + 1 + 3 * 2);
  });

  it("are taken where the network is one, and where a team has a pool of each kind", async () => {
    await judge(changed({ ...COUNTED, queues: { kind: "kueue" } }, () => {}));
  });

  it("are taken where the core keeps the quotas", async () => {
    const kinds = await judge(COUNTED);
    assert.equal(kinds.length, 7 + 3 * 2);
  });

  it("refuse a pod beyond the core's quota, and give one that says nothing what it may have", async () => {
    for (const object of objectsOf(COUNTED)) {
      await cluster.apply(object);
    }
    const pod = (name: string, limits?: Readonly<Record<string, string>>): KubernetesObject => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "vision" },
      spec: {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            name: "c",
            image: "example/none:1",
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            ...(limits === undefined ? {} : { resources: { limits } }),
          },
        ],
      },
    });
    // The quota is kept from when its controller has counted what there is, and pods need their account.
    await eventually("the count of the quota, and the account", async () => {
      const { items } = await cluster.get<{ items: { status?: { hard?: object } }[] }>(
        "/api/v1/namespaces/vision/resourcequotas",
      );
      const isCounted = items.some(({ status }) => status?.hard !== undefined);
      return isCounted && (await cluster.refusal(pod("probe"))) === undefined ? true : undefined;
    });
    assert.equal(await cluster.refusal(pod("fits", { cpu: "1", memory: "1Gi", "nvidia.com/gpu": "32" })), undefined);
    const beyond = await cluster.refusal(pod("beyond", { cpu: "1", memory: "1Gi", "nvidia.com/gpu": "33" }));
    assert.match(beyond ?? "", /exceeded quota: millwright, requested: requests\.nvidia\.com\/gpu=33/);
    const shared = await cluster.refusal(pod("shared", { cpu: "1", memory: "1Gi", "nvidia.com/gpu.shared": "1" }));
    assert.match(
      shared ?? "",
      /requests\.nvidia\.com\/gpu\.shared=1, .* limited: requests\.nvidia\.com\/gpu\.shared=0/,
    );
  });
});
