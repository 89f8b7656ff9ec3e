import type { LimitRangeArgs } from "@pulumi/kubernetes/core/v1/limitRange.js";
import type { ResourceQuotaArgs } from "@pulumi/kubernetes/core/v1/resourceQuota.js";
import { labelsFor } from "../../core/labels.ts";
import { type Amounts, added, quantityOf } from "./supply.ts";
import { namespaceOf, type TeamQuotas } from "./teams.ts";

/** What the two objects of a team's namespace are called. */
const NAME = "millwright";

const labels = labelsFor({ component: "scheduling" });

/** What a container gets that says nothing of itself: little, so that it is said. Ours all say. */
const UNSAID: { readonly request: Amounts; readonly limit: Amounts } = {
  request: { cpu: 100, memory: 256 },
  limit: { cpu: 1000, memory: 256 },
};

/**
 * What all pods of a team's namespace may ask for together. The core knows namespaces, not pools: quotas of several pools add
 * up, and where their devices go by one name a team may use all of them in one. Of a device that the cluster has and the team
 * has no quota of, it may ask for none.
 *
 * @param resources of all pools of the cluster, by name
 */
export function renderResourceQuota({ team, quotas }: TeamQuotas, resources: readonly string[]) {
  const none = Object.fromEntries(resources.map((name) => [name, 0]));
  const total = added(none, ...quotas.map(({ nominal }) => nominal));
  const hard = Object.entries(total).map(([name, amount]) => [`requests.${name}`, quantityOf(name, amount)] as const);
  return {
    metadata: { name: NAME, namespace: namespaceOf(team), labels },
    spec: { hard: Object.fromEntries(hard.sort(([a], [b]) => (a < b ? -1 : 1))) },
  } satisfies ResourceQuotaArgs;
}

/** What a container gets that says nothing: a quota of cores and memory refuses pods that do not say what they want of them. */
export function renderLimitRange({ team }: TeamQuotas) {
  return {
    metadata: { name: NAME, namespace: namespaceOf(team), labels },
    spec: {
      limits: [{ type: "Container", defaultRequest: quantities(UNSAID.request), default: quantities(UNSAID.limit) }],
    },
  } satisfies LimitRangeArgs;
}

function quantities(amounts: Amounts): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, quantityOf(name, amount)]));
}
