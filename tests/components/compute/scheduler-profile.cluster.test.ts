import assert from "node:assert/strict";
import type { PlacementKind } from "../../../components/compute/scheduler-profile.ts";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { loadKubeconfig } from "../../../scripts/standins/kubernetes/kubeconfig.ts";
import { RestClient } from "../../../scripts/standins/kubernetes/rest.ts";
import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";

const NODES = 4;
const DEVICES = 8;

/** A control plane whose scheduler places by the profile, and four nodes of eight devices that exist on paper. */
class Placed {
  readonly #plane: ControlPlane;
  readonly #client: RestClient;

  private constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#client = new RestClient(loadKubeconfig({ kubeconfig: plane.kubeconfigPath, context: "", cluster: "" }));
  }

  static async start(placement: PlacementKind): Promise<Placed> {
    const placed = new Placed(await startControlPlane({ placement, auditLog: false }));
    for (let index = 0; index < NODES; index += 1) {
      await placed.#addNode(`node-${index}`);
    }
    return placed;
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#plane.stop();
  }

  async #addNode(name: string): Promise<void> {
    const path = `/api/v1/nodes/${name}`;
    // No image of any size lies on it, and it is of no zone: nothing but use tells it from the others.
    await this.apply(path, { apiVersion: "v1", kind: "Node", metadata: { name } });
    const capacity = { cpu: "64", memory: "512Gi", pods: "110", "nvidia.com/gpu": String(DEVICES) };
    const conditions = [{ type: "Ready", status: "True", reason: "Test", lastHeartbeatTime: new Date().toISOString() }];
    await this.#client.request("PATCH", `${path}/status`, {
      body: { status: { capacity, allocatable: capacity, conditions } },
      contentType: "application/merge-patch+json",
      query: { fieldManager: "kubelet" },
    });
    // The node controller taints a new node until it has seen it ready.
    await this.eventually(`${name} without taints`, async () => {
      const { spec } = (await this.get(path)) as { spec?: { taints?: unknown[] } };
      return (spec?.taints ?? []).length === 0 ? true : undefined;
    });
  }

  async apply(path: string, body: JsonObject): Promise<JsonObject> {
    const query = { fieldManager: "test" };
    return (await this.#client.request("PATCH", path, { body, contentType: "application/apply-patch+yaml", query }))
      .body;
  }

  async get(path: string): Promise<JsonObject> {
    return (await this.#client.request("GET", path)).body;
  }

  /** Makes a pod and waits until the scheduler has bound it, or found no node for it: then undefined. */
  async place(name: string, devices: number, labels: Record<string, string> = {}): Promise<string | undefined> {
    const path = `/api/v1/namespaces/default/pods/${name}`;
    const limits = { cpu: "1", memory: "1Gi", "nvidia.com/gpu": String(devices) };
    const containers = [{ name: "work", image: "example/none:1", resources: { limits, requests: limits } }];
    await this.apply(path, { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { containers } });
    const { node } = await this.eventually(`the placement of ${name}`, async () => {
      const { spec, status } = (await this.get(path)) as {
        spec: { nodeName?: string };
        status: { conditions?: { type: string; reason?: string }[] };
      };
      const unschedulable = status.conditions?.some(({ reason }) => reason === "Unschedulable") === true;
      return spec.nodeName === undefined && !unschedulable ? undefined : { node: spec.nodeName };
    });
    return node;
  }

  async eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 30_000;
    for (;;) {
      const found = await probe();
      if (found !== undefined) {
        return found;
      }
      assert.ok(Date.now() < end, `waited 30 s in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("placement by the scheduler itself", function () {
  this.timeout(120_000);
  let placed: Placed | undefined;

  afterEach(async () => {
    await placed?.stop();
    placed = undefined;
  });

  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "group" },
    spec: { clusterIP: "None", selector: { group: "one" } },
  };

  it("packs: small pods fill one node, and a job of whole nodes finds the others free", async () => {
    const cluster = await Placed.start("pack");
    placed = cluster;
    // By default the scheduler keeps pods of one Service apart; those of a training have one.
    await cluster.apply("/api/v1/namespaces/default/services/group", service);
    const small: (string | undefined)[] = [];
    for (let index = 0; index < DEVICES; index += 1) {
      small.push(await cluster.place(`small-${index}`, 1, { group: "one" }));
    }
    assert.equal(new Set(small).size, 1, small.join(" "));
    const whole: (string | undefined)[] = [];
    for (let index = 0; index < NODES - 1; index += 1) {
      whole.push(await cluster.place(`whole-${index}`, DEVICES));
    }
    assert.equal(new Set([...whole, small[0]]).size, NODES);
    assert.ok(!whole.includes(undefined), whole.join(" "));
  });

  it("spreads: the same small pods lie on every node, and the job of whole nodes finds none", async () => {
    const cluster = await Placed.start("spread");
    placed = cluster;
    await cluster.apply("/api/v1/namespaces/default/services/group", service);
    const small: (string | undefined)[] = [];
    for (let index = 0; index < DEVICES; index += 1) {
      small.push(await cluster.place(`small-${index}`, 1, { group: "one" }));
    }
    assert.equal(new Set(small).size, NODES, small.join(" "));
    assert.equal(await cluster.place("whole-0", DEVICES), undefined);
  });
});
