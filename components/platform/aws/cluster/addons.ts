import { canonicalJson } from "../../../core/hash.ts";

/**
 * EKS add-ons and their versions, pinned for each Kubernetes version that a cluster may have. A version that EKS does not
 * offer for the cluster is refused by EKS before anything is changed; `aws eks describe-addon-versions --kubernetes-version
 * 1.34 --addon-name vpc-cni` lists what it offers.
 *
 * Sources, read in November 2026: the tables of the Amazon EKS User Guide for kube-proxy, and configurations that public
 * repositories run with 1.33 and 1.34. Not from an account: check them there before the first `up`.
 */
export const ADDON_VERSIONS = {
  "1.33": { "kube-proxy": "v1.33.7-eksbuild.2" },
  "1.34": { "kube-proxy": "v1.34.6-eksbuild.2" },
} as const satisfies Readonly<Record<string, Readonly<Record<"kube-proxy", string>>>>;

/** Versions of Kubernetes a cluster may have. */
export const KUBERNETES_VERSIONS = Object.keys(ADDON_VERSIONS) as readonly (keyof typeof ADDON_VERSIONS)[];

/** An add-on, and what it needs to start. */
export interface AddonSpec {
  readonly name: string;
  /** @default as in {@link ADDON_VERSIONS}, by the cluster's */
  readonly version?: string;
  /**
   * `network`: a node without it is never ready, so it comes before any. `nodes`: its pods need a node, and EKS waits for
   * them.
   */
  readonly stage: "network" | "nodes";
  /** Its settings, in the add-on's own schema. */
  readonly configuration?: object;
  /** The account in `kube-system` that gets a role of its own. */
  readonly serviceAccount?: string;
  /** Only where FSx for Lustre is used. */
  readonly lustre?: true;
}

export const ADDONS: readonly AddonSpec[] = [
  {
    name: "vpc-cni",
    version: "v1.21.1-eksbuild.7",
    stage: "network",
    serviceAccount: "aws-node",
    configuration: {
      // Addresses come in blocks of sixteen: more pods a node, and far fewer calls of EC2's API.
      env: { ENABLE_PREFIX_DELEGATION: "true", WARM_PREFIX_TARGET: "1" },
      // Nothing else in the cluster enforces NetworkPolicies, and the isolation of namespaces stands on them.
      enableNetworkPolicy: "true",
    },
  },
  { name: "kube-proxy", stage: "network" },
  { name: "eks-pod-identity-agent", version: "v1.3.10-eksbuild.2", stage: "network" },
  { name: "coredns", version: "v1.13.2-eksbuild.4", stage: "nodes" },
  {
    name: "aws-ebs-csi-driver",
    version: "v1.57.1-eksbuild.1",
    stage: "nodes",
    serviceAccount: "ebs-csi-controller-sa",
  },
  {
    name: "aws-fsx-csi-driver",
    version: "v1.8.0-eksbuild.1",
    stage: "nodes",
    serviceAccount: "fsx-csi-controller-sa",
    lustre: true,
  },
  { name: "eks-node-monitoring-agent", version: "v1.6.0-eksbuild.1", stage: "nodes" },
  { name: "metrics-server", version: "v0.8.0-eksbuild.5", stage: "nodes" },
];

/**
 * The version of an add-on for a cluster of some Kubernetes version.
 *
 * @throws Error for a version of Kubernetes that is not in {@link KUBERNETES_VERSIONS}; stacks with one are refused
 */
export function addonVersion({ name, version }: AddonSpec, kubernetes: string): string {
  const own: Readonly<Record<string, string>> | undefined = (
    ADDON_VERSIONS as Readonly<Record<string, Readonly<Record<string, string>>>>
  )[kubernetes];
  const known = version ?? own?.[name];
  if (own === undefined || known === undefined) {
    throw new Error(`no version of ${name} is known for Kubernetes ${kubernetes}`);
  }
  return known;
}

/** Settings as the add-on takes them: JSON with sorted keys. */
export function addonConfiguration({ configuration }: AddonSpec): string | undefined {
  return configuration === undefined ? undefined : canonicalJson(configuration);
}
