/** The root volume of a machine: system, images and what pods write, where it has no disks of its own. GiB. */
export const ROOT_VOLUME_GIB = 200;

/** Where Amazon Linux 2023 has its root volume. */
export const ROOT_DEVICE = "/dev/xvda";

/**
 * The release of the EKS images that Karpenter starts machines from (awslabs/amazon-eks-ami v20260818). Pinned: with `@latest`
 * each release would replace every node.
 */
export const AMI_ALIAS = "al2023@v20260818";

/** How old a node of Karpenter gets. A capacity block's nodes go with it, not before. */
export const EXPIRE_HOURS = 720;

/**
 * How long pods of a node that is going may take to finish what they do; then they are ended. Trainings write a checkpoint far
 * more often.
 */
export const TERMINATION_GRACE_HOURS = 24;

/** GiB of huge pages EFA's library works with on each node: aws-efa-installer reserves 5,128 pages of 2 MiB. */
export const EFA_HUGEPAGES_GIB = 10;

/** What one huge page takes: 2 MiB, so 512 a GiB. */
export const HUGEPAGES_PER_GIB = 512;

/** Machines a spread placement group may have in one availability zone. docs.aws.amazon.com, "Placement strategies". */
export const SPREAD_PER_ZONE = 7;

/** Instance types a managed node group may name. EKS API, CreateNodegroup. */
export const NODE_GROUP_INSTANCE_TYPES = 20;

/** Machines that one capacity block has at most. docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html. */
export const CAPACITY_BLOCK_MACHINES = 64;

/** Nodes, or percent of them, that EKS may replace at a time. EKS API, NodegroupUpdateConfig. */
export const NODE_GROUP_UNAVAILABLE = 100;

/** Devices that one machine has at most: the widest boards and chassis of servers have 16. */
export const DEVICES_PER_NODE = 16;
