import type { PoolSpec } from "../../../stacks/pools.ts";
import type { AcceleratorName } from "../../catalog/accelerators.ts";
import { machinesOf, podsPerDevice } from "./machines.ts";

/** What pods may count on of one node of a pool. The system's and the kubelet's own part is not taken off. */
export interface PoolNode {
  /** Virtual CPUs. */
  readonly cpu: number;
  /** GiB, without what is kept as huge pages. */
  readonly memoryGiB: number;
  /** @default none */
  readonly accelerator?: AcceleratorName;
  /** Whole devices; 0 without an accelerator. */
  readonly accelerators: number;
  /** What one device counts for among {@link PoolCapacity.devices}: 1 whole, or the parts it is divided into. */
  readonly devicesPerAccelerator: number;
}

/** What all nodes of a pool have together. */
export interface PoolCapacity {
  readonly nodes: number;
  readonly cpu: number;
  readonly memoryGiB: number;
  /** Whole devices. */
  readonly accelerators: number;
  /** What pods ask for: devices, or parts of them as the pool divides them. */
  readonly devices: number;
}

/**
 * What each node of a pool has at least: of several instance types the smallest of each figure, since nobody knows which the
 * pool will get.
 *
 * @throws RangeError for a pool without a machine that is known, which `validatePool` refuses
 */
export function nodeOf(pool: PoolSpec): PoolNode {
  const machines = machinesOf(pool);
  const [first] = machines;
  if (first === undefined) {
    throw new RangeError(`pool ${pool.name} says neither a machine nor an instance type that the catalogue knows`);
  }
  const least = (of: (machine: (typeof machines)[number]) => number) => Math.min(...machines.map(of));
  const accelerator = first.accelerator;
  return {
    cpu: least(({ cpu }) => cpu),
    memoryGiB: Math.max(0, least(({ memoryGiB }) => memoryGiB) - pool.hugepages2MiGiB),
    ...(accelerator === undefined ? {} : { accelerator }),
    accelerators: least(({ accelerators }) => accelerators),
    devicesPerAccelerator: podsPerDevice(pool),
  };
}

/** Nodes at most: as `size` says, or fewer where `limits` end before. */
export function largestSizeOf(pool: PoolSpec): number {
  const { cpu, accelerators } = nodeOf(pool);
  const { limits } = pool;
  const within = (limit: number | undefined, each: number) =>
    limit === undefined || each === 0 ? Number.POSITIVE_INFINITY : Math.floor(limit / each);
  return Math.min(maximumSizeOf(pool), within(limits.cpu, cpu), within(limits.accelerators, accelerators));
}

/** Nodes at most as `size` says, whatever `limits` say. */
export function maximumSizeOf({ size }: PoolSpec): number {
  return size.kind === "fixed" ? size.nodes : size.max;
}

/** What a pool offers at its largest. Nodes of several instance types count as {@link nodeOf} has them. */
export function capacityOf(pool: PoolSpec): PoolCapacity {
  const node = nodeOf(pool);
  const nodes = largestSizeOf(pool);
  const accelerators = nodes * node.accelerators;
  return {
    nodes,
    cpu: nodes * node.cpu,
    memoryGiB: nodes * node.memoryGiB,
    accelerators,
    devices: accelerators * node.devicesPerAccelerator,
  };
}
