import type { SimulatedNodePool } from "../../../components/compute/pools/simulated.ts";
import { shortHash } from "../../../components/core/hash.ts";
import { labelsFor, POOL_LABEL } from "../../../components/core/labels.ts";
import type { SimulationSpec } from "../../../stacks/simulation.ts";
import type { KubernetesObject } from "../api.ts";
import { seededRandom } from "../random.ts";

/** On a simulated node: how many machines had its name before. Decides, with the seed, when this one fails. */
export const LIFE_ANNOTATION = "simulation.millwright.dev/life";
/** On a simulated node: the simulated second at which this machine began to work. */
export const SINCE_ANNOTATION = "simulation.millwright.dev/since-seconds";
/** On a node that has failed: the simulated second at which it is replaced; "never" where its pool is not repaired. */
export const FAILED_UNTIL_ANNOTATION = "simulation.millwright.dev/failed-until-seconds";

/** On a simulated node: the {@link shapeOf} its pool had when it was made. */
export const SHAPE_ANNOTATION = "simulation.millwright.dev/shape";

/** Zones nodes are spread over, in turn. */
const ZONES = ["simulated-a", "simulated-b", "simulated-c"];

/** As many pods as the kubelet's default allows. */
const PODS_A_NODE = "110";

const SECONDS_A_DAY = 86_400;

export interface NodeObject extends KubernetesObject {
  readonly spec?: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly allocatable?: Readonly<Record<string, string>>;
  };
}

/** What a simulated node's object says of its machine. */
export interface Machine {
  readonly name: string;
  readonly pool: string;
  readonly life: number;
  readonly sinceSeconds: number;
  readonly shape: string;
  /** The simulated second at which it is replaced; infinity for never. @default it works */
  readonly failedUntilSeconds?: number;
}

export const nodeNameOf = (pool: string, index: number): string => `${pool}-${index}`;

/** Number of a node in its pool, from 0; undefined where the name is not one of the pool's. */
export function indexOf(pool: string, name: string): number | undefined {
  const digits = name.startsWith(`${pool}-`) ? name.slice(pool.length + 1) : "";
  return /^(0|[1-9]\d{0,5})$/.test(digits) ? Number(digits) : undefined;
}

/** Undefined for a node that is not simulated. */
export function machineOf({ metadata }: NodeObject): Machine | undefined {
  const pool = metadata.labels?.[POOL_LABEL];
  const [life, since, until] = [LIFE_ANNOTATION, SINCE_ANNOTATION, FAILED_UNTIL_ANNOTATION].map(
    (annotation) => metadata.annotations?.[annotation],
  );
  if (pool === undefined || life === undefined || since === undefined) return undefined;
  const failedUntilSeconds = until === "never" ? Number.POSITIVE_INFINITY : Number(until);
  return {
    name: metadata.name,
    pool,
    life: Number(life),
    sinceSeconds: Number(since),
    shape: metadata.annotations?.[SHAPE_ANNOTATION] ?? "",
    ...(until === undefined ? {} : { failedUntilSeconds }),
  };
}

/** What a pool's nodes are made by: of another, a node has to be made anew. */
export function shapeOf({
  machine,
  accelerator,
  devices,
  labels,
  taints,
  capacity,
}: SimulatedNodePool["spec"]): string {
  return shortHash({ machine, accelerator, devices, labels, taints, capacity });
}

/** Whether pods are placed on it: it is ready, and no longer tainted as not. */
export function isReady({ spec, status }: NodeObject): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true &&
    spec?.taints?.some(({ key }) => key.startsWith("node.kubernetes.io/")) !== true
  );
}

/** The object of a node as its kubelet would register it: what its pool says, ready at once. */
export function nodeObject(pool: SimulatedNodePool, index: number, life: number, sinceSeconds: number, now: Date) {
  const name = nodeNameOf(pool.metadata.name, index);
  const { machine, labels, taints } = pool.spec;
  const capacity = {
    cpu: String(machine.cpu),
    memory: `${Math.floor(machine.memoryGiB * 1024)}Mi`,
    pods: PODS_A_NODE,
    "ephemeral-storage": "1Ti",
    ...machine.resources,
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        ...labelsFor({ component: "pool", pool: pool.metadata.name }),
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        "topology.kubernetes.io/region": "simulated",
        "topology.kubernetes.io/zone": ZONES[index % ZONES.length]!,
        ...(machine.instanceType === undefined ? {} : { "node.kubernetes.io/instance-type": machine.instanceType }),
        ...labels,
      },
      annotations: {
        [LIFE_ANNOTATION]: String(life),
        [SINCE_ANNOTATION]: sinceSeconds.toFixed(0),
        [SHAPE_ANNOTATION]: shapeOf(pool.spec),
      },
    },
    spec: { providerID: `simulated:///${name}/${life}`, ...(taints.length === 0 ? {} : { taints }) },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [readyCondition("True", "SimulatedNodeReady", now)],
      nodeInfo: {
        machineID: name,
        systemUUID: name,
        bootID: `${name}/${life}`,
        kernelVersion: "simulated",
        osImage: "simulated",
        containerRuntimeVersion: "simulated://1",
        kubeletVersion: "v1.36.3",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: machine.architecture,
      },
    },
  };
}

export function readyCondition(status: "True" | "False", reason: string, now: Date) {
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  return { type: "Ready", status, reason, lastHeartbeatTime: time, lastTransitionTime: time };
}

/** By which a node says that it lives. */
export function leaseObject(name: string, durationSeconds: number, now: Date) {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "kube-node-lease" },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: durationSeconds,
      renewTime: now.toISOString().replace("Z", "000Z"),
    },
  };
}

/** How a machine's life ends. */
export interface End {
  readonly kind: "failure" | "reclaim";
  /** The simulated second at which it does; infinity for never. */
  readonly atSeconds: number;
}

/**
 * When a machine's life ends, and by what: whichever comes first of
 *
 * - a failure of one of its accelerators. Failures come at random, `acceleratorDays` of one accelerator apart on average, so a
 *   machine with n of them lives acceleratorDays / n days on average, exponentially distributed (stacks/simulation.ts has the
 *   source of the rate). A machine without accelerators does not fail;
 * - on spot capacity, its being taken back, of which `spotReclaimsPerDay` is the rate a day.
 *
 * The seed, the name and the life decide it, so a restarted simulation goes on with the same.
 */
export function endOf(
  { name, life, sinceSeconds }: Machine,
  pool: SimulatedNodePool["spec"],
  { seed, failures, spotReclaimsPerDay }: Pick<SimulationSpec, "seed" | "failures" | "spotReclaimsPerDay">,
): End {
  const after = (purpose: string, meanDays: number) =>
    sinceSeconds + seededRandom(seed, `${purpose}/${name}/${life}`).exponential(meanDays * SECONDS_A_DAY);
  const accelerators = pool.accelerator?.count ?? 0;
  const never = Number.POSITIVE_INFINITY;
  const failure = accelerators > 0 ? after("failure", failures.acceleratorDays / accelerators) : never;
  const reclaim =
    pool.capacity.kind === "spot" && spotReclaimsPerDay > 0 ? after("reclaim", 1 / spotReclaimsPerDay) : never;
  return reclaim < failure ? { kind: "reclaim", atSeconds: reclaim } : { kind: "failure", atSeconds: failure };
}

/** Of a pool's nodes, the share that may be away at once while changed ones are replaced. */
const REPLACED_SHARE = 0.1;

/**
 * Of the nodes that are no longer as their pool says, those to take away now: so few that with those that are not ready no more
 * than a tenth of the pool is away, or one; those without pods first.
 */
export function nodesToReplace<
  T extends { readonly isReady: boolean; readonly isChanged: boolean; readonly pods: number },
>(nodes: readonly T[], wanted: number): T[] {
  const away = Math.max(0, wanted - nodes.filter(({ isReady: ready }) => ready).length);
  const most = Math.max(1, Math.floor(wanted * REPLACED_SHARE)) - away;
  return nodes
    .filter(({ isChanged, isReady: ready }) => isChanged && ready)
    .sort((a, b) => a.pods - b.pods)
    .slice(0, Math.max(0, most));
}

/** How big a pool should be now. */
export interface PoolDemand {
  readonly min: number;
  readonly max: number;
  /** Nodes that are there or come back by themselves, failed ones included. */
  readonly present: number;
  /** Of these, nodes with pods. */
  readonly busy: number;
  /** Of these, nodes that have had none for long. */
  readonly idle: number;
  /** Nodes that pods without room would fill. */
  readonly pending: number;
}

/**
 * Nodes a pool should have: as many as are there, more by what pods wait for and fewer by those that have been idle for long,
 * within its bounds. A pool of a fixed size has both bounds alike.
 */
export function wantedNodes({ min, max, present, busy, idle, pending }: PoolDemand): number {
  const used = pending > 0 ? present : Math.max(busy, present - idle);
  return Math.min(max, Math.max(min, used + pending));
}
