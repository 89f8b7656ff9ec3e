/** Charts that a cluster may have. */
export type ChartName =
  | "kube-prometheus-stack"
  | "kube-state-metrics"
  | "gpu-operator"
  | "aws-efa-k8s-device-plugin"
  | "karpenter-crd"
  | "karpenter"
  | "cluster-autoscaler"
  | "keda"
  | "jobset"
  | "lws"
  | "kueue";

/**
 * What becomes of a chart's CustomResourceDefinitions when its version changes.
 *
 * - `none`: it has none of its own.
 * - `release`: they are among its templates, or it is a chart of them alone, and change with it.
 * - `hook`: a job of the chart's own applies them before the rest.
 * - `first`: Helm makes them at the first installation and never touches them again. Before a newer version they are applied by
 *   hand: `helm show crds <chart> --version <new> | kubectl apply --server-side --force-conflicts -f -`.
 */
export type DefinitionHandling = "none" | "release" | "hook" | "first";

export interface Chart {
  /** `oci://...` with the chart's name, or a repository that has an index. */
  readonly repository: string;
  /** As the repository has it, with or without a `v`. */
  readonly version: string;
  /** What it installs, by its own count. */
  readonly appVersion: string;
  readonly namespace: string;
  /**
   * What the namespace's pods may do, as the pod security standards have it: what touches devices or the host's own numbers is
   * privileged. `kube-system` is there and keeps its own.
   */
  readonly security?: "privileged" | "baseline";
  readonly definitions: DefinitionHandling;
  /** Charts that are ready before this one is begun, where they are installed at all. */
  readonly after: readonly ChartName[];
  /** The oldest Kubernetes it says it works with; undefined where it says none. */
  readonly kubernetes?: string;
  /** Where all this was read. */
  readonly source: string;
  /** When, as yyyy-mm-dd, or yyyy-mm where the day was not noted. */
  readonly readOn: string;
}

/**
 * Pinned. Definitions that our own objects are held against come from the modules of the same versions:
 * scripts/toolchain/definitions.ts. In the order in which they may be installed.
 *
 * Why a Release of Helm and not a Chart, whose objects Pulumi manages one by one: the GPU operator renews its definitions by
 * hooks, which only Helm runs; and a chart that draws a certificate or a password when it is rendered (kube-prometheus-stack)
 * would differ at every preview.
 */
export const CHARTS: { readonly [N in ChartName]: Chart } = {
  "kube-prometheus-stack": {
    repository: "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack",
    version: "88.5.3",
    appVersion: "0.93.1",
    namespace: "monitoring",
    security: "privileged",
    // Its hook wants an image without a version, so it stays off.
    definitions: "first",
    after: [],
    kubernetes: "1.25",
    source: "prometheus-community/helm-charts cf408a2, charts/kube-prometheus-stack/Chart.yaml",
    readOn: "2026-11-25",
  },
  "kube-state-metrics": {
    repository: "oci://ghcr.io/prometheus-community/charts/kube-state-metrics",
    // That of kube-prometheus-stack, so that alerts mean the same wherever the metrics are.
    version: "8.4.0",
    appVersion: "2.20.0",
    namespace: "kube-system",
    definitions: "none",
    after: [],
    source: "prometheus-community/helm-charts cf408a2, charts/kube-state-metrics/Chart.yaml",
    readOn: "2026-11-25",
  },
  "gpu-operator": {
    repository: "https://helm.ngc.nvidia.com/nvidia",
    version: "v26.7.0",
    appVersion: "v26.7.0",
    namespace: "gpu-operator",
    security: "privileged",
    definitions: "hook",
    after: ["kube-prometheus-stack"],
    kubernetes: "1.16",
    source: "NVIDIA/gpu-operator a22dbf6, deployments/gpu-operator",
    readOn: "2026-11-25",
  },
  "aws-efa-k8s-device-plugin": {
    repository: "https://aws.github.io/eks-charts",
    version: "v0.5.30",
    appVersion: "v0.5.20",
    namespace: "kube-system",
    definitions: "none",
    after: [],
    source: "aws/eks-charts 5239609, stable/aws-efa-k8s-device-plugin",
    readOn: "2026-11-25",
  },
  "karpenter-crd": {
    repository: "oci://public.ecr.aws/karpenter/karpenter-crd",
    version: "1.14.1",
    appVersion: "1.14.1",
    namespace: "kube-system",
    definitions: "release",
    after: [],
    source: "github.com/aws/karpenter-provider-aws v1.14.1, charts/karpenter-crd",
    readOn: "2026-11-25",
  },
  karpenter: {
    repository: "oci://public.ecr.aws/karpenter/karpenter",
    version: "1.14.1",
    appVersion: "1.14.1",
    namespace: "kube-system",
    // Those of karpenter-crd; the copies it carries itself are never renewed.
    definitions: "none",
    after: ["karpenter-crd", "kube-prometheus-stack"],
    source: "github.com/aws/karpenter-provider-aws v1.14.1, charts/karpenter",
    readOn: "2026-11-25",
  },
  "cluster-autoscaler": {
    repository: "https://kubernetes.github.io/autoscaler",
    // The last one made for Kubernetes 1.34; from 9.54.0 on they are for 1.35.
    version: "9.53.0",
    appVersion: "1.34.2",
    namespace: "kube-system",
    definitions: "none",
    after: ["kube-prometheus-stack"],
    source: "kubernetes/autoscaler 0aebca5, cluster-autoscaler/charts/cluster-autoscaler; index.yaml of 02bb9bc",
    readOn: "2026-11-25",
  },
  keda: {
    repository: "https://kedacore.github.io/charts",
    version: "2.20.2",
    appVersion: "2.20.2",
    namespace: "keda",
    security: "baseline",
    definitions: "release",
    after: ["kube-prometheus-stack"],
    kubernetes: "1.23",
    source: "kedacore/charts 1444d00, keda",
    readOn: "2026-11-25",
  },
  jobset: {
    repository: "oci://registry.k8s.io/jobset/charts/jobset",
    version: "0.12.0",
    appVersion: "0.12.0",
    namespace: "jobset-system",
    security: "baseline",
    definitions: "first",
    after: [],
    source: "sigs.k8s.io/jobset v0.12.0, charts/jobset",
    readOn: "2026-11-25",
  },
  lws: {
    repository: "oci://registry.k8s.io/lws/charts/lws",
    // 0.10.0 is there; this is the newest whose definitions every module proxy has, which ours are held against.
    version: "0.9.0",
    appVersion: "0.9.0",
    namespace: "lws-system",
    security: "baseline",
    definitions: "first",
    after: [],
    source: "sigs.k8s.io/lws v0.9.0, charts/lws",
    readOn: "2026-11-25",
  },
  kueue: {
    repository: "oci://registry.k8s.io/kueue/charts/kueue",
    version: "0.19.2",
    appVersion: "0.19.2",
    namespace: "kueue-system",
    security: "baseline",
    definitions: "release",
    // Last: its webhooks stand in the way of every workload of the namespaces it manages until it answers.
    after: ["kube-prometheus-stack", "gpu-operator", "keda", "jobset", "lws"],
    kubernetes: "1.29",
    source: "sigs.k8s.io/kueue v0.19.2, charts/kueue; its documentation for the version of Kubernetes",
    readOn: "2026-11-25",
  },
};

export const CHART_NAMES = Object.keys(CHARTS) as readonly ChartName[];
