import type { PoolSpec } from "../../../../stacks/pools.ts";
import { karpenterFeatureGates } from "../../../compute/pools/karpenter.ts";
import type { AddonContext, Values } from "../types.ts";

/**
 * Of Karpenter's controller. It runs on the system nodes, never on its own: the chart sees to that. Its account `karpenter` in
 * `kube-system` has the role that components/platform/aws gives it.
 */
export function karpenterValues(
  pools: readonly PoolSpec[],
  { clusterName, interruptionQueue }: Pick<AddonContext, "clusterName" | "interruptionQueue">,
  monitored: boolean,
): Values {
  return {
    replicas: 2,
    serviceAccount: { name: "karpenter" },
    controller: {
      resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { memory: "1Gi" } },
    },
    serviceMonitor: { enabled: monitored },
    settings: {
      clusterName,
      interruptionQueue,
      eksControlPlane: true,
      // Capacity reservations are its default, and said all the same: a pool that has paid for one depends on it.
      featureGates: { reservedCapacity: true, ...karpenterFeatureGates(pools) },
    },
  };
}
