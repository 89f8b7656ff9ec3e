import assert from "node:assert/strict";
import { placementsOf, QUEUE_LABEL } from "../../../components/compute/scheduling/queue.ts";
import { renderTraining } from "../../../components/training/training.ts";
import { poolsSchema } from "../../../stacks/pools.ts";
import { schedulingSchema } from "../../../stacks/scheduling.ts";
import { Cluster, eventually, type KubernetesObject, pathOf } from "../../components/compute/cluster.ts";
import { objectsOf } from "../../components/compute/scheduling/fixtures.ts";
import { TRAINING_RUN } from "../../components/fixtures.ts";
import { CONTEXT } from "../../components/training/fixtures.ts";
import { Kueue } from "./kueue.ts";

/**
 * What Kueue itself does with our queues and our trainings, on nodes that exist on paper: two racks of two nodes of eight
 * devices, shared by two teams. No pod runs; what is shown is who is admitted, and when pods are made at all.
 */

const RACK = "example.com/rack";
const DEVICES = 8;

const POOLS = poolsSchema.parse([
  {
    name: "gang",
    provisioning: { kind: "existing", nodes: ["node-0", "node-1", "node-2", "node-3"] },
    machine: { cpu: 64, memoryGiB: 512, accelerator: "h100", accelerators: DEVICES },
    size: { kind: "fixed", nodes: 4 },
  },
]);

const SPEC = schedulingSchema.parse({
  queues: { kind: "kueue" },
  topology: [RACK],
  teams: [
    { name: "vision", quotas: [{ pool: "gang", accelerators: 16 }] },
    { name: "language", quotas: [{ pool: "gang", accelerators: 16 }] },
  ],
});

interface Workload {
  readonly metadata: { readonly ownerReferences: readonly { readonly name: string }[] };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
    readonly admission?: {
      readonly podSetAssignments: readonly { readonly flavors: object; readonly topologyAssignment?: Assignment }[];
    };
  };
}

/** Which nodes a group got, as Kueue writes it: what their names have in common, and what is each one's. */
interface Assignment {
  readonly slices: readonly {
    readonly valuesPerLevel: readonly {
      readonly universal?: string;
      readonly individual?: { readonly prefix?: string; readonly suffix?: string; readonly roots: readonly string[] };
    }[];
  }[];
}

function nodesOf({ slices }: Assignment): string[] {
  return slices.flatMap(({ valuesPerLevel }) => {
    const { universal, individual } = valuesPerLevel.at(-1) ?? {};
    const { prefix = "", suffix = "", roots = [] } = individual ?? {};
    return universal === undefined ? roots.map((root) => `${prefix}${root}${suffix}`) : [universal];
  });
}

/** The Job of a training of so many whole nodes. */
function gang(team: string, name: string, workers: number): KubernetesObject {
  const resources = { cpu: 8, memoryGiB: 64, pool: "gang", gpu: DEVICES };
  const run = { ...TRAINING_RUN, name, training: { ...TRAINING_RUN.training, workers, resources } };
  const { job } = renderTraining({
    ...CONTEXT,
    run,
    artifacts: { ...CONTEXT.artifacts, namespace: team },
    placements: placementsOf(POOLS, SPEC, team),
  });
  return { apiVersion: "batch/v1", kind: "Job", ...job } as unknown as KubernetesObject;
}

describe("Kueue, with our queues", function () {
  this.timeout(300_000);
  let cluster: Cluster;
  let kueue: Kueue | undefined;

  before(async () => {
    cluster = await Cluster.start("pack");
    for (let index = 0; index < 4; index += 1) {
      const name = `node-${index}`;
      const labels = { "millwright.dev/pool": "gang", [RACK]: `rack-${index % 2}`, "kubernetes.io/hostname": name };
      const capacity = { cpu: "64", memory: "512Gi", pods: "110", "nvidia.com/gpu": String(DEVICES) };
      const taints = [{ key: "nvidia.com/gpu", effect: "NoSchedule" }];
      await cluster.addNode(name, capacity, { labels, taints });
    }
    kueue = await Kueue.start(cluster);
    for (const object of objectsOf(SPEC, POOLS)) {
      await cluster.apply(object);
    }
    for (const { name: namespace } of SPEC.teams) {
      const metadata = { name: CONTEXT.serviceAccountName, namespace };
      await cluster.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata });
    }
    for (const { name } of SPEC.teams) {
      const queue = { apiVersion: "kueue.x-k8s.io/v1beta2", kind: "ClusterQueue", metadata: { name } };
      await eventually(`the queue of ${name} to be active`, async () => {
        const { status } = await cluster.get<{ status?: { conditions?: { type: string; status: string }[] } }>(
          pathOf(queue),
        );
        return status?.conditions?.some((each) => each.type === "Active" && each.status === "True") ? true : undefined;
      });
    }
  });

  after(async () => {
    await kueue?.stop();
    await cluster?.stop();
  });

  afterEach(function () {
    if (this.currentTest?.state === "failed") {
      process.stderr.write(`${kueue?.output}\n`);
    }
  });

  const isSuspended = async (job: KubernetesObject) =>
    (await cluster.get<{ spec: { suspend?: boolean } }>(pathOf(job))).spec.suspend === true;

  async function podsOf({ metadata: { name, namespace } }: KubernetesObject): Promise<number> {
    const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=batch.kubernetes.io%2Fjob-name%3D${name}`;
    return (await cluster.get<{ items: unknown[] }>(pods)).items.length;
  }

  async function workloadOf({ metadata: { name, namespace } }: KubernetesObject): Promise<Workload> {
    return eventually(`the workload of ${name}`, async () => {
      const all = `/apis/kueue.x-k8s.io/v1beta2/namespaces/${namespace}/workloads`;
      const { items } = await cluster.get<{ items: Workload[] }>(all);
      return items.find(({ metadata: { ownerReferences = [] } }) =>
        ownerReferences.some((owner) => owner.name === name),
      );
    });
  }

  const begun = (job: KubernetesObject, workers: number) =>
    eventually(
      `${job.metadata.name} to begin with all of its workers`,
      async () => (!(await isSuspended(job)) && (await podsOf(job)) === workers ? true : undefined),
      60,
    );

  /** What Kueue says of one that waits. */
  const waiting = (job: KubernetesObject, says: RegExp) =>
    eventually(
      `${job.metadata.name} to wait: ${says}`,
      async () => {
        const { status } = await workloadOf(job);
        const reserved = status?.conditions?.find(({ type }) => type === "QuotaReserved");
        return reserved?.status === "False" && says.test(reserved.message) ? reserved.message : undefined;
      },
      60,
    );

  const [first, borrowing, third] = ["first", "borrowing", "third"].map((name) => gang("vision", name, 2)) as [
    KubernetesObject,
    KubernetesObject,
    KubernetesObject,
  ];
  const reclaiming = gang("language", "reclaiming", 2);

  it("admits a group whole, into its pool and into one rack", async () => {
    await cluster.apply(first);
    await begun(first, 2);
    const [assigned] = (await workloadOf(first)).status!.admission!.podSetAssignments;
    assert.deepEqual(new Set(Object.values(assigned!.flavors)), new Set(["gang"]));
    const nodes = nodesOf(assigned!.topologyAssignment!);
    assert.equal(new Set(nodes).size, 2, nodes.join(" "));
    const racks = new Set(nodes.map((node) => Number(node.at(-1)) % 2));
    assert.equal(racks.size, 1, nodes.join(" "));
  });

  it("lets a team borrow what the other leaves idle", async () => {
    await cluster.apply(borrowing);
    await begun(borrowing, 2);
  });

  it("keeps a group waiting whole: suspended, and without a single pod", async () => {
    await cluster.apply(third);
    await waiting(third, /insufficient/);
    assert.equal(await isSuspended(third), true);
    assert.equal(await podsOf(third), 0);
  });

  it("gives back what was lent, whole, when its owner wants it", async () => {
    await cluster.apply(reclaiming);
    await begun(reclaiming, 2);
    await eventually("the borrower's pods to be gone", async () => {
      const suspended = await Promise.all([first, borrowing].map(isSuspended));
      const pods = await Promise.all([first, borrowing].map(podsOf));
      const [gone] = suspended.flatMap((each, index) => (each ? [pods[index]] : []));
      return suspended.filter((each) => each).length === 1 && gone === 0 ? true : undefined;
    });
  });

  it("never admits a group larger than its quota and what it can borrow, as the stack's rules say beforehand", async () => {
    const large = gang("vision", "large", 5);
    await cluster.apply(large);
    await waiting(large, /insufficient quota for nvidia\.com\/gpu.*maximum capacity/);
    assert.equal(await podsOf(large), 0);
  });

  it("never admits what asks for a resource that its queue does not cover", async () => {
    const other = structuredClone(gang("vision", "other", 1)) as KubernetesObject & {
      spec: { template: { spec: { containers: { resources: { limits: Record<string, string> } }[] } } };
    };
    other.spec.template.spec.containers[0]!.resources.limits["amd.com/gpu"] = "1";
    await cluster.apply(other);
    await waiting(other, /amd\.com\/gpu/);
  });

  it("refuses to move a workload that runs to another queue, which is why the engine leaves the label alone", async () => {
    const labels = { [QUEUE_LABEL]: "elsewhere" };
    const { status, text } = await cluster.send(
      "PATCH",
      pathOf(reclaiming),
      { metadata: { labels } },
      "application/merge-patch+json",
    );
    assert.ok(status >= 400, text);
    assert.match(text, /queue-name.*immutable/);
  });
});
