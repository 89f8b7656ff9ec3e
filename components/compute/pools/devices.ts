import { stringify } from "yaml";
import type { PoolSpec } from "../../../stacks/pools.ts";
import { acceleratorOf } from "./machines.ts";

/** The device plugin's configuration of nodes whose devices are not shared by time; its default. */
export const WHOLE_DEVICES_CONFIG = "whole";

/**
 * Which configuration of NVIDIA's device plugin a pool's nodes ask for by label.
 *
 * @returns undefined where the plugin's default does
 */
export function devicePluginConfigOf(pool: PoolSpec): string | undefined {
  return pool.devices.kind === "timeSlicing" && acceleratorOf(pool) !== undefined
    ? `time-slicing-${pool.devices.slices}`
    : undefined;
}

/**
 * The data of the ConfigMap that NVIDIA's device plugin takes its configurations from, by the names that pools' nodes ask for;
 * `whole` is for all others.
 *
 * A slice is a resource of its own name (`nvidia.com/gpu.shared`), so that who asks for a device never gets a turn of one, and a
 * pod that asks for two slices is refused: they would be turns of the same device, not twice as much.
 *
 * Fields: NVIDIA/k8s-device-plugin, README, "Shared Access to GPUs".
 */
export function devicePluginConfigs(pools: readonly PoolSpec[]): Readonly<Record<string, string>> {
  const shared = pools.flatMap((pool) => {
    const name = devicePluginConfigOf(pool);
    return name === undefined || pool.devices.kind !== "timeSlicing"
      ? []
      : [[name, sharingConfig(acceleratorOf(pool)!.device.resource, pool.devices.slices)] as const];
  });
  const whole = [WHOLE_DEVICES_CONFIG, stringify({ version: "v1" })] as const;
  return Object.fromEntries([whole, ...shared].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sharingConfig(resource: string, slices: number): string {
  return stringify({
    version: "v1",
    sharing: {
      timeSlicing: {
        renameByDefault: true,
        failRequestsGreaterThanOne: true,
        resources: [{ name: resource, replicas: slices }],
      },
    },
  });
}
