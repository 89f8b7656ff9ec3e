import type { PoolSpec } from "../../../../stacks/pools.ts";
import { instanceTypesOf } from "../../../compute/pools/machines.ts";
import type { Values } from "../types.ts";
import { tolerationsOf } from "./tolerations.ts";

/**
 * Of Amazon's EFA device plugin, for pools with EFA: exactly their instance types, since the chart's own list is of the day it
 * was made, and their taints.
 */
export function efaValues(pools: readonly PoolSpec[], region: string): Values {
  return {
    // The chart's default is another region's. This account has the images of the regions that are on by default; others
    // have accounts of their own, see docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html.
    image: { repository: `602401143452.dkr.ecr.${region}.amazonaws.com/eks/aws-efa-k8s-device-plugin` },
    supportedInstanceLabels: {
      keys: ["node.kubernetes.io/instance-type"],
      values: [...new Set(pools.flatMap(instanceTypesOf))].sort(),
    },
    tolerations: tolerationsOf(pools),
  };
}
