import type { PoolSpec, Taint } from "../../../stacks/pools.ts";
import { capacityOf, nodeOf } from "../pools/capacity.ts";
import { deviceResourceOf, machinesOf } from "../pools/machines.ts";
import { nodeLabelsOf, taintsOf } from "../pools/placement.ts";

/** What the AWS device plugin calls an interface of the Elastic Fabric Adapter. */
export const EFA_RESOURCE = "vpc.amazonaws.com/efa";

/** Huge pages of 2 MiB, as Kubernetes calls them. */
export const HUGEPAGES_RESOURCE = "hugepages-2Mi";

/**
 * Amounts by the names of resources, all whole numbers: `cpu` in thousandths of a core, `memory` and huge pages in MiB, devices
 * and EFA interfaces by count.
 */
export type Amounts = Readonly<Record<string, number>>;

/** What a pool has for whoever may use it, as quotas and groups of pods are reckoned by. */
export interface PoolSupply {
  readonly pool: string;
  /** At most. */
  readonly nodes: number;
  /** Whether the number of nodes follows what pods call for. */
  readonly grows: boolean;
  /** What pods ask for to get a device or a part of one. @default its nodes have none */
  readonly device?: string;
  /** Whether a device is shared by time: a pod then gets one turn, never two. */
  readonly isShared: boolean;
  /** One node. */
  readonly node: Amounts;
  /** All nodes at the pool's largest. */
  readonly total: Amounts;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly provisioning: PoolSpec["provisioning"]["kind"];
}

const MILLI = 1000;
const MIB_PER_GIB = 1024;

/** Thousandths of a core of so many cores. */
export const milliOf = (cores: number): number => Math.floor(Number((cores * MILLI).toFixed(6)));

/** MiB of so many GiB. */
export const mebibytesOf = (gibibytes: number): number => Math.floor(Number((gibibytes * MIB_PER_GIB).toFixed(6)));

/**
 * What a pool supplies. Of several instance types the smallest of each figure counts.
 *
 * @returns undefined for a pool whose machine is not known; see validatePool in components/compute/pools
 */
export function supplyOf(pool: PoolSpec): PoolSupply | undefined {
  const machines = machinesOf(pool);
  if (machines.length === 0) {
    return undefined;
  }
  const node = nodeOf(pool);
  const { nodes } = capacityOf(pool);
  const device = deviceResourceOf(pool);
  const efa = pool.network.efa === "none" ? 0 : Math.min(...machines.map(({ efaInterfaces }) => efaInterfaces));
  const one: Amounts = {
    cpu: milliOf(node.cpu),
    memory: mebibytesOf(node.memoryGiB),
    ...(device === undefined ? {} : { [device]: node.accelerators * node.devicesPerAccelerator }),
    ...(efa === 0 ? {} : { [EFA_RESOURCE]: efa }),
    ...(pool.hugepages2MiGiB === 0 ? {} : { [HUGEPAGES_RESOURCE]: mebibytesOf(pool.hugepages2MiGiB) }),
  };
  return {
    pool: pool.name,
    nodes,
    grows: pool.size.kind === "auto",
    ...(device === undefined ? {} : { device }),
    isShared: pool.devices.kind === "timeSlicing",
    node: one,
    total: scaled(one, nodes),
    labels: nodeLabelsOf(pool),
    taints: taintsOf(pool),
    provisioning: pool.provisioning.kind,
  };
}

/** Every amount so many times. */
export function scaled(amounts: Amounts, times: number): Amounts {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * times]));
}

/** Amounts by name, added up. */
export function added(...all: readonly Amounts[]): Amounts {
  const sum: Record<string, number> = {};
  for (const [name, amount] of all.flatMap((amounts) => Object.entries(amounts))) {
    sum[name] = (sum[name] ?? 0) + amount;
  }
  return sum;
}

/** An amount as people write it: `cpu 2.5`, `memory 16 GiB`, `nvidia.com/gpu 8`. */
export function amountText(resource: string, amount: number): string {
  switch (resource) {
    case "cpu":
      return `${shortly(amount / MILLI)} cores`;
    case "memory":
    case HUGEPAGES_RESOURCE:
      return `${shortly(amount / MIB_PER_GIB)} GiB`;
    default:
      return String(amount);
  }
}

function shortly(value: number): string {
  return String(Number(value.toFixed(3)));
}

/** An amount as the API server stores it: `2500m`, `16Gi`, `8`. */
export function quantityOf(resource: string, amount: number): string {
  switch (resource) {
    case "cpu":
      return amount % MILLI === 0 ? String(amount / MILLI) : `${amount}m`;
    case "memory":
    case HUGEPAGES_RESOURCE:
      return amount === 0 ? "0" : amount % MIB_PER_GIB === 0 ? `${amount / MIB_PER_GIB}Gi` : `${amount}Mi`;
    default:
      return String(amount);
  }
}
