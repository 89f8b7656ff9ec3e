import type { PoolSpec } from "../../../stacks/pools.ts";
import type { SchedulingSpec } from "../../../stacks/scheduling.ts";
import { labelsFor, POOL_LABEL } from "../../core/labels.ts";
import { placementOf } from "../pools/placement.ts";
import { PRIORITIES, type Priority } from "./priorities.ts";
import { topologyLevels } from "./queue.ts";
import type { Quota } from "./quota.ts";
import { type Amounts, type PoolSupply, quantityOf } from "./supply.ts";
import { namespaceOf, type TeamQuotas } from "./teams.ts";

/** What Kueue 0.19 stores. */
const API_VERSION = "kueue.x-k8s.io/v1beta2";

/** All teams lend to each other and borrow from each other, so there is one cohort, and one network. */
const COHORT = "millwright";
const TOPOLOGY = "millwright";

const labels = labelsFor({ component: "scheduling" });

/** Priorities of the same names and values as the scheduler's, by which Kueue orders its queues and preempts. */
export function renderWorkloadPriorityClasses() {
  return Object.values<Priority>(PRIORITIES).map(({ name, value, description }) => ({
    apiVersion: API_VERSION,
    kind: "WorkloadPriorityClass",
    metadata: { name, labels },
    value,
    description,
  }));
}

/** The parts of the network; none where the stack names none. */
export function renderTopology({ topology }: SchedulingSpec) {
  return topology.length === 0
    ? []
    : [
        {
          apiVersion: API_VERSION,
          kind: "Topology",
          metadata: { name: TOPOLOGY, labels },
          spec: { levels: topologyLevels(topology).map((nodeLabel) => ({ nodeLabel })) },
        },
      ];
}

/**
 * A pool as Kueue knows it. With its taints, so that nothing is admitted to it that its nodes would refuse, and its
 * tolerations, which Kueue adds to what it admits: who was given quota of a pool can use it.
 */
export function renderFlavor(pool: PoolSpec, { taints }: PoolSupply, { topology }: SchedulingSpec) {
  const { tolerations } = placementOf(pool);
  // A preference keeps nothing off a node, and the definition of a flavor takes no more than eight.
  const binding = taints.filter(({ effect }) => effect !== "PreferNoSchedule");
  return {
    apiVersion: API_VERSION,
    kind: "ResourceFlavor",
    metadata: { name: pool.name, labels: { ...labels, [POOL_LABEL]: pool.name } },
    spec: {
      nodeLabels: { [POOL_LABEL]: pool.name },
      ...(binding.length === 0
        ? {}
        : {
            nodeTaints: binding.map(({ key, value, effect }) => ({ key, ...(value === "" ? {} : { value }), effect })),
          }),
      ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map((toleration) => ({ ...toleration })) }),
      ...(topology.length === 0 ? {} : { topologyName: TOPOLOGY }),
    },
  };
}

export function renderCohort() {
  return { apiVersion: API_VERSION, kind: "Cohort", metadata: { name: COHORT, labels }, spec: {} };
}

/**
 * A team's quotas. One group of resources with one flavor a pool: a resource may be in one group only, and every flavor of a
 * group names all its resources. So each resource that any pool of the cluster has is covered, with 0 where a pool or a quota
 * has none of it: a pod that asks for one that is not covered would wait for ever, and one beyond 0 is told why.
 *
 * What was lent comes back at once, from whoever uses it. Within the team a higher priority goes before a lower one. Nobody
 * preempts in order to borrow. A workload that fits several pools takes one with quota of the team's own and without
 * preemption first; the models of this program name their pool.
 *
 * @param resources of all pools of the cluster, by name
 */
export function renderClusterQueue({ team, quotas }: TeamQuotas, resources: readonly string[]) {
  const covered = [...resources].sort();
  return {
    apiVersion: API_VERSION,
    kind: "ClusterQueue",
    metadata: { name: team.name, labels },
    spec: {
      cohortName: COHORT,
      // Absent it matches no namespace at all.
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespaceOf(team) } },
      queueingStrategy: "BestEffortFIFO",
      resourceGroups: [
        {
          coveredResources: covered,
          flavors: quotas.map((quota) => ({
            name: quota.pool,
            resources: covered.map((name) => renderResource(name, quota)),
          })),
        },
      ],
      preemption: {
        reclaimWithinCohort: "Any",
        withinClusterQueue: "LowerPriority",
        borrowWithinCohort: { policy: "Never" },
      },
      flavorFungibility: { whenCanBorrow: "TryNextFlavor", whenCanPreempt: "TryNextFlavor" },
      fairSharing: { weight: weightOf(team.weight) },
    },
  };
}

function renderResource(name: string, { nominal, borrowing, lending }: Quota) {
  const quantity = (amounts: Amounts) => quantityOf(name, amounts[name] ?? 0);
  return {
    name,
    nominalQuota: quantity(nominal),
    ...(borrowing === undefined ? {} : { borrowingLimit: quantity(borrowing) }),
    ...(lending === undefined ? {} : { lendingLimit: quantity(lending) }),
  };
}

/** A weight as the quantity it is: in thousandths where it is no whole number. */
function weightOf(weight: number): string {
  return Number.isInteger(weight) ? String(weight) : `${Math.max(1, Math.round(weight * 1000))}m`;
}

/** The queue that a team's workloads name; it is called as the team. */
export function renderLocalQueue({ team }: TeamQuotas) {
  return {
    apiVersion: API_VERSION,
    kind: "LocalQueue",
    metadata: { name: team.name, namespace: namespaceOf(team), labels },
    spec: { clusterQueue: team.name },
  };
}
