import type { PoolSpec } from "../../../stacks/pools.ts";
import { ACCELERATORS, migProfile } from "../../catalog/accelerators.ts";
import { largestSizeOf, nodeOf } from "../../compute/pools/capacity.ts";
import { machinesOf } from "../../compute/pools/machines.ts";
import { placementOf } from "../../compute/pools/placement.ts";
import type { Host } from "./types.ts";

/**
 * A pool as an endpoint sees it. Of several instance types the least of each figure, since nobody knows which a pod will get.
 *
 * @throws RangeError for a pool without a machine that is known, which `validatePool` refuses
 */
export function hostOf(pool: PoolSpec): Host {
  const node = nodeOf(pool);
  const { accelerator } = node;
  return {
    pool: pool.name,
    placement: placementOf(pool),
    ...(accelerator === undefined ? {} : { accelerator }),
    devices: node.accelerators * node.devicesPerAccelerator,
    deviceMemoryMiB: deviceMemoryMiB(pool, accelerator),
    division: pool.devices.kind,
    cpu: node.cpu,
    memoryGiB: node.memoryGiB,
    hugepagesGiB: pool.hugepages2MiGiB,
    efaInterfaces:
      pool.network.efa === "none" ? 0 : Math.min(...machinesOf(pool).map(({ efaInterfaces }) => efaInterfaces)),
    maxNodes: largestSizeOf(pool),
    growsOnDemand: pool.size.kind === "auto",
  };
}

/** A turn of a device has the memory of all of it, and no guard against the others who have theirs. */
function deviceMemoryMiB({ devices }: PoolSpec, accelerator: Host["accelerator"]): number {
  if (accelerator === undefined) {
    return 0;
  }
  const whole = ACCELERATORS[accelerator].memoryMiB;
  return devices.kind === "mig" ? (migProfile(accelerator, devices.profile)?.memoryMiB ?? 0) : whole;
}
