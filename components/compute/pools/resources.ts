import type { PoolSpec } from "../../../stacks/pools.ts";
import { nodeOf } from "./capacity.ts";
import { deviceResourceOf, machinesOf } from "./machines.ts";

/** What the EFA device plugin calls one interface. */
export const EFA_RESOURCE = "vpc.amazonaws.com/efa";

/** What Kubernetes calls huge pages of 2 MiB. */
export const HUGEPAGES_RESOURCE = "hugepages-2Mi";

/**
 * What each node of a pool offers beside CPU and memory, as Kubernetes writes quantities: devices, or parts of them as the pool
 * divides them, EFA interfaces and huge pages.
 */
export function extendedResourcesOf(pool: PoolSpec): Readonly<Record<string, string>> {
  const { accelerators, devicesPerAccelerator } = nodeOf(pool);
  const resource = deviceResourceOf(pool);
  const efa = pool.network.efa === "all" ? Math.min(...machinesOf(pool).map(({ efaInterfaces }) => efaInterfaces)) : 0;
  return {
    ...(resource === undefined ? {} : { [resource]: String(accelerators * devicesPerAccelerator) }),
    ...(efa === 0 ? {} : { [EFA_RESOURCE]: String(efa) }),
    ...(pool.hugepages2MiGiB === 0 ? {} : { [HUGEPAGES_RESOURCE]: `${pool.hugepages2MiGiB}Gi` }),
  };
}
