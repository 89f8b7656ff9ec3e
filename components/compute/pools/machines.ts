import type { PoolSpec } from "../../../stacks/pools.ts";
import {
  ACCELERATORS,
  type Accelerator,
  type AcceleratorName,
  migProfile,
  migResource,
} from "../../catalog/accelerators.ts";
import { INSTANCE_TYPES, type InstanceType, isInstanceTypeName } from "../../catalog/instance-types.ts";

/** What one machine of a pool has. */
export interface Machine {
  /** Virtual CPUs. */
  readonly cpu: number;
  /** GiB, huge pages included. */
  readonly memoryGiB: number;
  /** @default none */
  readonly accelerator?: AcceleratorName;
  /** Devices; 0 without an accelerator. */
  readonly accelerators: number;
  /** EFA interfaces; 0 where the machine has none or it is not known to be one of AWS's. */
  readonly efaInterfaces: number;
}

const MIB_PER_GIB = 1024;

/** Whether a string is the name of an accelerator in the catalogue. */
export function isAcceleratorName(name: string): name is AcceleratorName {
  return Object.hasOwn(ACCELERATORS, name);
}

/** The instance types a pool names, whether the catalogue has them or not. */
export function instanceTypesOf({ provisioning }: PoolSpec): readonly string[] {
  switch (provisioning.kind) {
    case "nodeGroup":
    case "karpenter":
      return provisioning.instanceTypes;
    case "simulated":
      return provisioning.instanceType === undefined ? [] : [provisioning.instanceType];
    case "existing":
      return [];
  }
}

/** The rows of the catalogue of the instance types a pool names; those it does not have are left out. */
export function knownInstanceTypes(pool: PoolSpec): InstanceType[] {
  return instanceTypesOf(pool).flatMap((name) => (isInstanceTypeName(name) ? [INSTANCE_TYPES[name]] : []));
}

/**
 * The machines a pool may get: one an instance type, or what `machine` says.
 *
 * Empty for a pool that says neither, or only names the catalogue does not have; `validatePool` refuses both.
 */
export function machinesOf(pool: PoolSpec): Machine[] {
  const known = knownInstanceTypes(pool);
  if (known.length > 0) {
    return known.map(({ vcpus, memoryMiB, accelerator, efaInterfaces }) => ({
      cpu: vcpus,
      memoryGiB: memoryMiB / MIB_PER_GIB,
      ...(accelerator === undefined ? {} : { accelerator: accelerator.name }),
      accelerators: accelerator?.count ?? 0,
      efaInterfaces,
    }));
  }
  if (pool.machine === undefined) {
    return [];
  }
  const { cpu, memoryGiB, accelerator, accelerators = 1 } = pool.machine;
  const named = accelerator !== undefined && isAcceleratorName(accelerator) ? accelerator : undefined;
  return [
    {
      cpu,
      memoryGiB,
      ...(named === undefined ? {} : { accelerator: named }),
      accelerators: named === undefined ? 0 : accelerators,
      efaInterfaces: 0,
    },
  ];
}

/** The kind of device a pool's nodes have; undefined without one. */
export function acceleratorOf(
  pool: PoolSpec,
): { readonly name: AcceleratorName; readonly device: Accelerator } | undefined {
  const name = machinesOf(pool).find(({ accelerator }) => accelerator !== undefined)?.accelerator;
  return name === undefined ? undefined : { name, device: ACCELERATORS[name] };
}

/** CPU architecture of a pool's nodes, as Kubernetes calls it: that of its instance types. @default amd64 */
export function architectureOf(pool: PoolSpec): InstanceType["architecture"] {
  return knownInstanceTypes(pool)[0]?.architecture ?? "amd64";
}

/** What pods ask for to get a device or a part of one; undefined on nodes without. */
export function deviceResourceOf(pool: PoolSpec): string | undefined {
  const accelerator = acceleratorOf(pool);
  if (accelerator === undefined) {
    return undefined;
  }
  switch (pool.devices.kind) {
    case "whole":
      return accelerator.device.resource;
    case "mig":
      // The plugin's strategy is `mixed`: with `single` an instance would go by the name of a whole device.
      return migResource(pool.devices.profile);
    case "timeSlicing":
      // The plugin's `renameByDefault`: who asks for a whole device never gets a turn of one.
      return `${accelerator.device.resource}.shared`;
  }
}

/** Pods one device serves: 1 whole, the instances of a MIG profile, or the slices of time. 1 for a profile it lacks. */
export function podsPerDevice(pool: PoolSpec): number {
  const accelerator = acceleratorOf(pool);
  switch (pool.devices.kind) {
    case "whole":
      return 1;
    case "mig":
      return accelerator === undefined ? 1 : (migProfile(accelerator.name, pool.devices.profile)?.count ?? 1);
    case "timeSlicing":
      return accelerator === undefined ? 1 : pool.devices.slices;
  }
}
