import { CLUSTER_AUTOSCALER } from "../../aws/defaults.ts";
import { CHARTS } from "../charts.ts";
import type { AddonContext, Values } from "../types.ts";

/**
 * The autoscaler of each Kubernetes version a cluster may have: it carries the scheduler of its own version, by which it judges
 * whether a new node would help, so the two are of the same minor version.
 *
 * Read 2026-11-25: the releases cluster-autoscaler-1.33.6 and cluster-autoscaler-1.34.5 of kubernetes/autoscaler.
 */
export const AUTOSCALER_VERSIONS: Readonly<Record<string, string>> = { "1.33": "1.33.6", "1.34": "1.34.5" };

/**
 * Of the Cluster Autoscaler, for node groups of the size `auto`. It finds their Auto Scaling groups by the tags that EKS gives
 * those of every node group, `k8s.io/cluster-autoscaler/enabled` and `k8s.io/cluster-autoscaler/<cluster>`: so it sees groups of
 * a fixed size too, whose least and most are the same. When it takes a node away is each pool's own, in tags of its group; see
 * `renderScalingTags`. Its account has the role that components/platform/aws gives it.
 *
 * @param kubernetesVersion the cluster's, such as `1.34`
 * @param monitored whether the cluster has the Prometheus Operator
 */
export function clusterAutoscalerValues(
  kubernetesVersion: string,
  { clusterName, region }: Pick<AddonContext, "clusterName" | "region">,
  monitored: boolean,
): Values {
  const chart = CHARTS["cluster-autoscaler"];
  return {
    replicaCount: 2,
    image: { tag: `v${AUTOSCALER_VERSIONS[kubernetesVersion] ?? chart.appVersion}` },
    cloudProvider: "aws",
    awsRegion: region,
    autoDiscovery: { clusterName },
    rbac: { serviceAccount: { name: CLUSTER_AUTOSCALER.serviceAccount } },
    resources: { requests: { cpu: "100m", memory: "600Mi" }, limits: { memory: "600Mi" } },
    // The chart puts it into a namespace that may not be there.
    serviceMonitor: { enabled: monitored, namespace: chart.namespace },
    extraArgs: {
      // Of the groups a pod could use, the one it leaves the least of idle; its default is one at random.
      expander: "least-waste",
    },
  };
}
