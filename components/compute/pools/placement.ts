import type { PoolSpec, Taint } from "../../../stacks/pools.ts";
import { ACCELERATOR_LABEL, type Labels, POOL_LABEL } from "../../core/labels.ts";
import { devicePluginConfigOf } from "./devices.ts";
import { acceleratorOf, deviceResourceOf } from "./machines.ts";

/** What puts a pod onto a pool's nodes and nowhere else. */
export interface Placement {
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** What pods ask for to get a device, or a part of one as the pool divides them. @default the nodes have none */
  readonly resource?: string;
}

/** Tolerates one taint: the same key, value and effect. */
export interface Toleration {
  readonly key: string;
  readonly operator: "Equal";
  /** Left out where the taint has no value: Kubernetes takes the two for the same. */
  readonly value?: string;
  readonly effect: Taint["effect"];
}

/** The selector, tolerations and resource of pods of a pool. */
export function placementOf(pool: PoolSpec): Placement {
  const resource = deviceResourceOf(pool);
  return {
    nodeSelector: { [POOL_LABEL]: pool.name },
    tolerations: taintsOf(pool).map(({ key, value, effect }) => ({
      key,
      operator: "Equal",
      ...(value === "" ? {} : { value }),
      effect,
    })),
    ...(resource === undefined ? {} : { resource }),
  };
}

/**
 * The taints of a pool's nodes. Without any written, nodes with devices refuse pods that do not ask for one: they would take
 * the room of those that do.
 */
export function taintsOf(pool: PoolSpec): readonly Taint[] {
  if (pool.taints !== undefined) {
    return pool.taints;
  }
  const accelerator = acceleratorOf(pool);
  return accelerator === undefined ? [] : [{ key: accelerator.device.resource, value: "", effect: "NoSchedule" }];
}

/** The label the MIG manager of NVIDIA's operator reads: how a node's devices are to be cut. */
const MIG_CONFIG_LABEL = "nvidia.com/mig.config";

/** The label NVIDIA's device plugin reads: which of its configurations holds for a node. */
const DEVICE_PLUGIN_CONFIG_LABEL = "nvidia.com/device-plugin.config";

/** The labels of a pool's nodes: the pool's own, those that say how its devices are divided, and those the stack writes. */
export function nodeLabelsOf(pool: PoolSpec): Labels {
  const accelerator = acceleratorOf(pool);
  const config = devicePluginConfigOf(pool);
  return {
    ...pool.labels,
    [POOL_LABEL]: pool.name,
    ...(accelerator === undefined ? {} : { [ACCELERATOR_LABEL]: accelerator.name }),
    ...(accelerator === undefined || pool.devices.kind !== "mig"
      ? {}
      : { [MIG_CONFIG_LABEL]: `all-${pool.devices.profile}` }),
    ...(config === undefined ? {} : { [DEVICE_PLUGIN_CONFIG_LABEL]: config }),
  };
}
