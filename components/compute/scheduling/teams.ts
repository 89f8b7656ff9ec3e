import type { NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { SchedulingSpec, TeamSpec } from "../../../stacks/scheduling.ts";
import { labelsFor } from "../../core/labels.ts";
import { RESTRICTED_NAMESPACE } from "../../platform/pod/security.ts";
import { type Quota, resolveQuota } from "./quota.ts";
import type { PoolSupply } from "./supply.ts";

const labels = labelsFor({ component: "scheduling" });

/** Where a team's pods live. */
export function namespaceOf({ name, namespace }: TeamSpec): string {
  return namespace ?? name;
}

/** A team's namespace; it refuses pods that do not meet the restricted standard, and warns whoever submits one. */
export function renderTeamNamespace(team: TeamSpec) {
  return {
    metadata: { name: namespaceOf(team), labels: { ...labels, ...RESTRICTED_NAMESPACE } },
  } satisfies NamespaceArgs;
}

/** A team with its quotas, of every resource of their pools. */
export interface TeamQuotas {
  readonly team: TeamSpec;
  readonly quotas: readonly Quota[];
}

/** The quotas of all teams. Those of pools that there are not are left out: `validateScheduling` refuses them. */
export function quotasOf({ teams }: SchedulingSpec, supplies: readonly PoolSupply[]): TeamQuotas[] {
  return teams.map((team) => ({
    team,
    quotas: team.quotas.flatMap((quota) => {
      const supply = supplies.find(({ pool }) => pool === quota.pool);
      return supply === undefined ? [] : [resolveQuota(quota, supply)];
    }),
  }));
}
