import type { PoolSpec } from "../../../../stacks/pools.ts";
import { INSTANCE_TYPES, type InstanceTypeName, isInstanceTypeName } from "../../../catalog/instance-types.ts";
import type { Problem } from "../../../core/problem.ts";
import { maximumSizeOf } from "../capacity.ts";
import { EFA_HUGEPAGES_GIB, SPREAD_PER_ZONE } from "../defaults.ts";
import { hasRegularEfa } from "../efa.ts";
import { instanceTypesOf, machinesOf } from "../machines.ts";
import type { PoolCluster } from "../types.ts";
import { counted, listed, repeated } from "./words.ts";

/** What is wrong with zones, EFA, placement and huge pages. */
export function networkProblems(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  return [
    ...zoneProblems(pool, cluster),
    ...efaProblems(pool),
    ...placementGroupProblems(pool, cluster),
    ...hugepageProblems(pool),
  ];
}

function zonesOf({ provisioning }: PoolSpec): readonly string[] | undefined {
  return provisioning.kind === "nodeGroup" || provisioning.kind === "karpenter" ? provisioning.zones : undefined;
}

function zoneProblems(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  const zones = zonesOf(pool) ?? [];
  const known = cluster?.zones;
  const outside =
    known === undefined
      ? []
      : zones.flatMap((value, index) =>
          known.includes(value)
            ? []
            : [
                {
                  path: `provisioning.zones[${index}]`,
                  message: `must be a zone of the cluster, which has subnets in ${listed(known)}.`,
                  value,
                },
              ],
        );
  const twice = repeated(zones, (a, b) => a === b).map(({ index, first }) => ({
    path: `provisioning.zones[${index}]`,
    message: `must not be named twice: provisioning.zones[${first}] is the same.`,
    value: zones[index],
  }));
  return [...outside, ...twice];
}

function efaProblems(pool: PoolSpec): Problem[] {
  const { network, provisioning, size, hugepages2MiGiB } = pool;
  if (network.efa === "none") {
    return [];
  }
  const path = "network.efa";
  const value = network.efa;
  const types = instanceTypesOf(pool).filter(isInstanceTypeName);
  if (types.length === 0) {
    const message = "must be none: EFA is made with a machine of AWS, and no instance type is named here.";
    return [{ path, message, value }];
  }
  const without = types.filter((name) => INSTANCE_TYPES[name].efaInterfaces === 0);
  if (without.length > 0) {
    const message = `must be none: ${listed(without)} ${without.length === 1 ? "has" : "have"} no EFA.`;
    return [{ path, message, value }];
  }
  const problems: Problem[] = [];
  const irregular = types.filter((name) => !hasRegularEfa(INSTANCE_TYPES[name]));
  if (irregular.length > 0 && provisioning.kind !== "simulated") {
    const each = irregular.map((name) => `${name} has ${layoutOf(name)}`);
    const message = `must be none: interfaces are generated one a card, and ${listed(each)}.`;
    problems.push({ path, message, value });
  }
  if (new Set(types.map(layoutOf)).size > 1) {
    const each = types.map((name) => `${name} has ${layoutOf(name)}`);
    const message = `must be none, or the instance types alike: interfaces are generated for all at once, and ${listed(each)}.`;
    problems.push({ path, message, value });
  }
  const isSizedByPods = provisioning.kind === "karpenter" && size.kind === "auto";
  if (!isSizedByPods && hugepages2MiGiB < EFA_HUGEPAGES_GIB) {
    const message = `must be at least ${EFA_HUGEPAGES_GIB} with EFA, whose library works in huge pages.`;
    problems.push({ path: "hugepages2MiGiB", message, value: hugepages2MiGiB });
  }
  return problems;
}

function layoutOf(name: InstanceTypeName): string {
  const { efaInterfaces, networkCards } = INSTANCE_TYPES[name];
  return `${efaInterfaces} EFA on ${counted(networkCards, "card")}`;
}

function placementGroupProblems(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  const { network, provisioning } = pool;
  const path = "network.placementGroup";
  const value = network.placementGroup;
  if (value === "none") {
    return [];
  }
  if (provisioning.kind !== "nodeGroup" && provisioning.kind !== "karpenter") {
    return [{ path, message: `must be none: nodes that are ${provisioning.kind} are where they are.`, value }];
  }
  const zones = provisioning.zones ?? cluster?.zones;
  if (zones === undefined) {
    return [];
  }
  if (value === "cluster" && zones.length > 1) {
    const message = `must be none or spread, or provisioning.zones one zone: a cluster placement group is within one, and these are ${listed(zones)}.`;
    return [{ path, message, value }];
  }
  const room = SPREAD_PER_ZONE * zones.length;
  const nodes = maximumSizeOf(pool);
  if (value === "spread" && nodes > room) {
    const message =
      `must be none, or the pool at most ${room} nodes: a spread placement group has ${SPREAD_PER_ZONE} machines a zone, ` +
      `and ${SPREAD_PER_ZONE} x ${counted(zones.length, "zone")} = ${room} < ${nodes}.`;
    return [{ path, message, value }];
  }
  return [];
}

function hugepageProblems(pool: PoolSpec): Problem[] {
  const { hugepages2MiGiB, provisioning, size } = pool;
  const path = "hugepages2MiGiB";
  if (hugepages2MiGiB === 0) {
    return [];
  }
  const problems: Problem[] = [];
  const memory = Math.min(...machinesOf(pool).map(({ memoryGiB }) => memoryGiB));
  if (hugepages2MiGiB >= memory) {
    const message = `must be less than the memory of the smallest machine: of ${memory} GiB it leaves ${memory - hugepages2MiGiB} for everything else.`;
    problems.push({ path, message, value: hugepages2MiGiB });
  }
  if (provisioning.kind === "karpenter" && size.kind === "auto") {
    const message =
      "must be 0 in a pool that Karpenter sizes by pods: a pod that asks for huge pages calls for no machine there. " +
      "Make the size fixed, use a node group, or let EFA do without (FI_EFA_USE_HUGE_PAGE=0).";
    problems.push({ path, message, value: hugepages2MiGiB });
  }
  return problems;
}
