import {
  renderClusterQueue,
  renderCohort,
  renderFlavor,
  renderLocalQueue,
  renderTopology,
  renderWorkloadPriorityClasses,
} from "./kueue.ts";
import { renderPriorityClasses } from "./priorities.ts";
import { renderLimitRange, renderResourceQuota } from "./resource-quota.ts";
import { supplyOf } from "./supply.ts";
import { quotasOf, renderTeamNamespace } from "./teams.ts";
import type { SchedulingArgs } from "./types.ts";

/** The objects of a team. */
export interface TeamObjects {
  readonly team: string;
  readonly namespace: ReturnType<typeof renderTeamNamespace>;
  readonly resourceQuota?: ReturnType<typeof renderResourceQuota>;
  readonly limitRange?: ReturnType<typeof renderLimitRange>;
  readonly clusterQueue?: ReturnType<typeof renderClusterQueue>;
  readonly localQueue?: ReturnType<typeof renderLocalQueue>;
}

/** Everything scheduling is made of; Kueue's parts are empty where the core keeps the quotas. */
export interface SchedulingObjects {
  readonly priorityClasses: ReturnType<typeof renderPriorityClasses>;
  readonly workloadPriorityClasses: ReturnType<typeof renderWorkloadPriorityClasses>;
  readonly topologies: ReturnType<typeof renderTopology>;
  readonly flavors: readonly ReturnType<typeof renderFlavor>[];
  readonly cohorts: readonly ReturnType<typeof renderCohort>[];
  readonly teams: readonly TeamObjects[];
}

/** The objects of queues and quotas that `validateScheduling` found nothing wrong with. */
export function renderScheduling({ spec, pools }: SchedulingArgs): SchedulingObjects {
  const supplied = pools.flatMap((pool) => {
    const supply = supplyOf(pool);
    return supply === undefined ? [] : [{ pool, supply }];
  });
  const supplies = supplied.map(({ supply }) => supply);
  const resources = [...new Set(["cpu", "memory", ...supplies.flatMap(({ total }) => Object.keys(total))])];
  const teams = quotasOf(spec, supplies);
  const isKueue = spec.queues.kind === "kueue";
  return {
    priorityClasses: renderPriorityClasses(),
    workloadPriorityClasses: isKueue ? renderWorkloadPriorityClasses() : [],
    topologies: isKueue ? renderTopology(spec) : [],
    flavors: isKueue ? supplied.map(({ pool, supply }) => renderFlavor(pool, supply, spec)) : [],
    cohorts: isKueue ? [renderCohort()] : [],
    teams: teams.map((each) => ({
      team: each.team.name,
      namespace: renderTeamNamespace(each.team),
      ...(isKueue
        ? { clusterQueue: renderClusterQueue(each, resources), localQueue: renderLocalQueue(each) }
        : { resourceQuota: renderResourceQuota(each, resources), limitRange: renderLimitRange(each) }),
    })),
  };
}
