/** What the control plane may write into its log; all of it is, since what was not written cannot be looked up. */
export const CONTROL_PLANE_LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"] as const;

/** Image of the system nodes: Amazon Linux 2023, without accelerators. */
export const SYSTEM_AMI = "AL2023_x86_64_STANDARD";

/** Their label `millwright.dev/pool`, which no pool of a stack can have. */
export const SYSTEM_POOL = "system";

/** The device that Amazon Linux 2023 starts from, and its size: images of controllers and drivers, and logs. */
export const ROOT_DEVICE = "/dev/xvda";
export const ROOT_SIZE_GIB = 60;

/**
 * How often a machine's own description may be forwarded: once reaches the node and, without its network, no pod. Pods have
 * roles of their own, and must not be able to take the node's.
 */
export const METADATA_HOPS = 1;

/**
 * Weights by which EKS's scheduler ranks nodes where pods are packed: accelerators count before everything else, as what is
 * left of them on a node decides what still fits there. From 1 to 100 (EKS API, ResourceWeight).
 */
export const PACKING_WEIGHTS = [
  { name: "nvidia.com/gpu", weight: 100 },
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
] as const;

/** Policies AWS keeps for whoever runs nodes. The network plugin's is not among them: it has a role of its own. */
export const NODE_POLICIES = [
  "AmazonEKSWorkerNodePolicy",
  "AmazonEC2ContainerRegistryPullOnly",
  // A shell on a node without SSH, keys and open ports.
  "AmazonSSMManagedInstanceCore",
] as const;

/** Policies AWS keeps with an add-on's own versions, so that a new version finds what it needs. */
export const ADDON_POLICIES: Readonly<Record<string, string>> = {
  "vpc-cni": "AmazonEKS_CNI_Policy",
  "aws-ebs-csi-driver": "service-role/AmazonEBSCSIDriverPolicy",
};
