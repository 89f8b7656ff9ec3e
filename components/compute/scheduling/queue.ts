import type { PoolSpec } from "../../../stacks/pools.ts";
import type { SchedulingSpec } from "../../../stacks/scheduling.ts";
import type { Labels } from "../../core/labels.ts";
import { type Placement, placementOf, type Toleration } from "../pools/placement.ts";
import { priorityOf, type WorkloadPart } from "./priorities.ts";

/** Names the LocalQueue a workload waits in. Kueue takes no change of it while the workload runs. */
export const QUEUE_LABEL = "kueue.x-k8s.io/queue-name";

/** Names the WorkloadPriorityClass that decides who waits behind whom. */
export const QUEUE_PRIORITY_LABEL = "kueue.x-k8s.io/priority-class";

/** On a pod template: the level of the topology whose smallest part should hold all pods; wider ones where it cannot. */
export const PREFERRED_TOPOLOGY = "kueue.x-k8s.io/podset-preferred-topology";

/**
 * What the engine leaves as it is on a workload that exists. Kueue refuses to move a workload that runs to another queue, or
 * out of any: one that was made before the queues stays outside them until it is made anew.
 */
export const KEPT_QUEUE_LABELS: readonly string[] = [QUEUE_LABEL, QUEUE_PRIORITY_LABEL].map(
  (label) => `metadata.labels["${label}"]`,
);

/** The level of the topology below which there is nothing to be near in. */
const HOSTNAME_LABEL = "kubernetes.io/hostname";

/** Where the workloads of a stack go: its pools, and what keeps its quotas. Plain data, from the stack that has them. */
export interface Placements {
  readonly pools: Readonly<Record<string, Placement>>;
  /** @default the cluster has neither our priorities nor quotas */
  readonly scheduling?: {
    readonly queues: SchedulingSpec["queues"]["kind"];
    /** Whose the workloads are. @default nobody's: they have a priority, but wait in no queue */
    readonly team?: string;
    /** Node labels of the network's parts, the widest first. */
    readonly topology: readonly string[];
  };
}

/** What a workload is given for where it goes and when its turn is. Members are there only where there is something to say. */
export interface Placed {
  /** Of the Job or the Deployment; Kueue puts them on its pods itself. */
  readonly labels: Labels;
  /** Of the pod template. */
  readonly annotations: Labels;
  /** Of the pod's spec. */
  readonly pod: {
    readonly nodeSelector?: Record<string, string>;
    readonly tolerations?: Toleration[];
    readonly priorityClassName?: string;
  };
  /** What a device of the pool is called. */
  readonly resource?: string;
  /** Whether it is a queue that lets it begin: a Job is then made suspended, and begins as a whole or not at all. */
  readonly isQueued: boolean;
}

/**
 * What the workloads of a stack need to know of the stack that has the pools and the quotas: the same one, or the one that
 * `platform.cluster.stack` names.
 *
 * @param team `platform.team` of the stack that has the workloads
 */
export function placementsOf(
  pools: readonly PoolSpec[],
  scheduling: SchedulingSpec | undefined,
  team: string | undefined,
): Placements {
  return {
    pools: Object.fromEntries(pools.map((pool) => [pool.name, placementOf(pool)])),
    ...(scheduling === undefined
      ? {}
      : {
          scheduling: {
            queues: scheduling.queues.kind,
            ...(team === undefined ? {} : { team }),
            topology: scheduling.topology,
          },
        }),
  };
}

/** The labels by which Kueue finds a workload's queue, and its place in it. A team's queue has the team's name. */
export function queueLabels(team: string, part: WorkloadPart): Labels {
  return { [QUEUE_LABEL]: team, [QUEUE_PRIORITY_LABEL]: priorityOf(part).name };
}

export interface Workload {
  readonly part: WorkloadPart;
  /** The pool it names. @default none: it goes wherever the scheduler puts it, and through no queue */
  readonly pool?: string | undefined;
  /** Pods that talk to each other all the time, and so should be near each other. @default 1 */
  readonly group?: number;
}

/**
 * Where a workload goes. Without placements nothing is said of it at all.
 *
 * Only what names a pool waits in a queue: Kueue's quotas are of pools, and what runs beside them is no one's. Kueue admits a
 * Job, or a group of a LeaderWorkerSet, with all its pods or not at all, so no two groups can each hold half of a pool; a
 * Deployment's pods are admitted one by one, each being of use by itself.
 *
 * @throws Error where the workload names a pool that there is not; stacks/scheduling-rules.ts refuses such stacks
 */
export function place({ part, pool, group = 1 }: Workload, placements: Placements | undefined): Placed {
  const { scheduling } = placements ?? {};
  const placement = pool === undefined ? undefined : poolOf(pool, placements);
  const isQueued = placement !== undefined && scheduling?.queues === "kueue" && scheduling.team !== undefined;
  const level = isQueued && group > 1 ? nearestLevel(scheduling.topology) : undefined;
  return {
    labels: isQueued ? queueLabels(scheduling.team, part) : {},
    annotations: level === undefined ? {} : { [PREFERRED_TOPOLOGY]: level },
    pod: {
      ...(placement === undefined ? {} : { nodeSelector: { ...placement.nodeSelector } }),
      ...(placement === undefined || placement.tolerations.length === 0
        ? {}
        : { tolerations: [...placement.tolerations] }),
      ...(scheduling === undefined ? {} : { priorityClassName: priorityOf(part).name }),
    },
    ...(placement?.resource === undefined ? {} : { resource: placement.resource }),
    isQueued,
  };
}

function poolOf(name: string, placements: Placements | undefined): Placement {
  const placement = placements?.pools[name];
  if (placement === undefined) {
    const known = Object.keys(placements?.pools ?? {}).join(", ") || "none";
    throw new Error(`there is no pool "${name}"; pools: ${known}`);
  }
  return placement;
}

/**
 * The narrowest part of the network that holds more than a node: Kueue tries it first and then the wider ones. Of a topology
 * of nodes alone it is the node.
 */
function nearestLevel(topology: readonly string[]): string | undefined {
  return topology.filter((label) => label !== HOSTNAME_LABEL).at(-1) ?? topology.at(-1);
}

/** The levels of Kueue's Topology: those of the stack, and below them the node, by which single ones are replaced. */
export function topologyLevels(topology: readonly string[]): readonly string[] {
  return topology.length === 0 || topology.includes(HOSTNAME_LABEL) ? topology : [...topology, HOSTNAME_LABEL];
}
