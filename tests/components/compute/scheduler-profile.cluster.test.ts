import assert from "node:assert/strict";
import { Cluster, eventually, pathOf } from "./cluster.ts";

const NODES = 4;
const DEVICES = 8;

/** What the scheduler itself does with the profile, on nodes of eight devices that exist on paper. */
describe("placement by the scheduler itself", function () {
  this.timeout(120_000);
  let cluster: Cluster;

  async function start(placement: "pack" | "spread"): Promise<void> {
    cluster = await Cluster.start(placement);
    for (let index = 0; index < NODES; index += 1) {
      const capacity = { cpu: "64", memory: "512Gi", pods: "110", "nvidia.com/gpu": String(DEVICES) };
      await cluster.addNode(`node-${index}`, capacity);
    }
    // By default the scheduler keeps pods of one Service apart; those of a training have one.
    await cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "group", namespace: "default" },
      spec: { clusterIP: "None", selector: { group: "one" } },
    });
  }

  afterEach(() => cluster.stop());

  /** Makes a pod and waits until the scheduler has bound it, or found no node for it: then undefined. */
  async function place(name: string, devices: number, labels = {}): Promise<string | undefined> {
    const limits = { cpu: "1", memory: "1Gi", "nvidia.com/gpu": String(devices) };
    const containers = [{ name: "work", image: "example/none:1", resources: { limits, requests: limits } }];
    const metadata = { name, namespace: "default", labels };
    const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } };
    await cluster.apply(pod);
    const { node } = await eventually(`the placement of ${name}`, async () => {
      const { spec, status } = await cluster.get<{
        spec: { nodeName?: string };
        status: { conditions?: { type: string; reason?: string }[] };
      }>(pathOf(pod));
      const isUnschedulable = status.conditions?.some(({ reason }) => reason === "Unschedulable") === true;
      return spec.nodeName === undefined && !isUnschedulable ? undefined : { node: spec.nodeName };
    });
    return node;
  }

  async function placeSmall(): Promise<(string | undefined)[]> {
    const nodes: (string | undefined)[] = [];
    for (let index = 0; index < DEVICES; index += 1) {
      nodes.push(await place(`small-${index}`, 1, { group: "one" }));
    }
    return nodes;
  }

  it("packs: small pods fill one node, and a job of whole nodes finds the others free", async () => {
    await start("pack");
    const small = await placeSmall();
    assert.equal(new Set(small).size, 1, small.join(" "));
    const whole: (string | undefined)[] = [];
    for (let index = 0; index < NODES - 1; index += 1) {
      whole.push(await place(`whole-${index}`, DEVICES));
    }
    assert.ok(!whole.includes(undefined), whole.join(" "));
    assert.equal(new Set([...whole, small[0]]).size, NODES);
  });

  it("spreads: the same small pods lie on every node, and the job of whole nodes finds none", async () => {
    await start("spread");
    const small = await placeSmall();
    assert.equal(new Set(small).size, NODES, small.join(" "));
    assert.equal(await place("whole-0", DEVICES), undefined);
  });
});
