import type { PoolSpec } from "../../../stacks/pools.ts";
import type { Problem } from "../../core/problem.ts";
import { capacityProblems } from "./rules/capacity.ts";
import { deviceProblems } from "./rules/devices.ts";
import { disruptionProblems } from "./rules/disruption.ts";
import { labelProblems } from "./rules/labels.ts";
import { machineProblems } from "./rules/machines.ts";
import { networkProblems } from "./rules/network.ts";
import { pairProblems } from "./rules/pairs.ts";
import { sizeProblems } from "./rules/size.ts";
import type { PoolCluster } from "./types.ts";

/**
 * What is wrong with one pool, all of it. Paths start at the pool.
 *
 * @param cluster what it is for; undefined where that is not known, and then what it decides is not judged
 */
export function validatePool(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  return [
    ...kindProblems(pool, cluster),
    ...machineProblems(pool),
    ...capacityProblems(pool, cluster),
    ...deviceProblems(pool),
    ...networkProblems(pool, cluster),
    ...sizeProblems(pool, cluster),
    ...labelProblems(pool),
    ...disruptionProblems(pool),
  ];
}

/**
 * What is wrong with all pools of a cluster: each by itself, and beside each other. Paths start at the list, as `[0].size`.
 *
 * @param pools undefined stands for one that is not a pool at all, so that the others keep their places
 */
export function validatePools(pools: readonly (PoolSpec | undefined)[], cluster: PoolCluster | undefined): Problem[] {
  const each = pools.flatMap((pool, index) =>
    pool === undefined
      ? []
      : validatePool(pool, cluster).map(({ path, ...problem }) => ({ path: `[${index}].${path}`, ...problem })),
  );
  return [...each, ...pairProblems(pools, cluster)];
}

/** Which clusters each way to get nodes is for. */
const CLUSTERS: { readonly [K in PoolSpec["provisioning"]["kind"]]: readonly PoolCluster["kind"][] } = {
  nodeGroup: ["eks"],
  karpenter: ["eks"],
  existing: ["existing", "local"],
  simulated: ["simulated"],
};

function kindProblems({ provisioning }: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  if (cluster === undefined || CLUSTERS[provisioning.kind].includes(cluster.kind)) {
    return [];
  }
  const fitting = Object.entries(CLUSTERS).flatMap(([kind, clusters]) =>
    clusters.includes(cluster.kind) ? [kind] : [],
  );
  const message = `must be ${fitting.join(" or ")}: the cluster is ${cluster.kind}.`;
  return [{ path: "provisioning.kind", message, value: provisioning.kind }];
}
