import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/logGroup.js";
import type { LaunchTemplateArgs } from "@pulumi/aws/ec2/launchTemplate.js";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { AccessEntryArgs } from "@pulumi/aws/eks/accessEntry.js";
import type { AddonArgs } from "@pulumi/aws/eks/addon.js";
import type { ClusterArgs as EksClusterArgs } from "@pulumi/aws/eks/cluster.js";
import type { NodeGroupArgs } from "@pulumi/aws/eks/nodeGroup.js";
import type { RoleArgs } from "@pulumi/aws/iam/role.js";
import type { SecurityGroupEgressRuleArgs } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type { Input } from "@pulumi/pulumi";
import { POOL_LABEL } from "../../../core/labels.ts";
import { clusterArn } from "../arns.ts";
import { trustPlainService, trustPods } from "../identity/document.ts";
import { awsName, partitionOf } from "../names.ts";
import { formatBlock } from "../network/addresses.ts";
import { SERVICE_BLOCK } from "../network/defaults.ts";
import { discoveryTags, type Tags, tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";
import { type AddonSpec, addonConfiguration, addonVersion } from "./addons.ts";
import {
  CONTROL_PLANE_LOGS,
  METADATA_HOPS,
  PACKING_WEIGHTS,
  ROOT_DEVICE,
  ROOT_SIZE_GIB,
  SYSTEM_AMI,
  SYSTEM_POOL,
} from "./defaults.ts";
import type { ClusterArgs } from "./types.ts";

export function renderClusterRole(args: AwsContext): RoleArgs {
  return {
    name: awsName("role", args.stack, "cluster"),
    description: "Control plane of the cluster",
    assumeRolePolicy: trustPlainService("eks.amazonaws.com", ["sts:TagSession"]),
    tags: tagsFor(args.stack, "cluster"),
  };
}

/** The role of every node, whoever starts it. */
export function renderNodeRole(args: AwsContext): RoleArgs {
  return {
    name: awsName("role", args.stack, "nodes"),
    description: "Nodes of the cluster",
    assumeRolePolicy: trustPlainService("ec2.amazonaws.com"),
    tags: tagsFor(args.stack, "nodes"),
  };
}

/** EKS writes into the group of this name, and would make one without end or key. */
export function renderLogGroup(args: ClusterArgs): LogGroupArgs {
  return {
    name: `/aws/eks/${awsName("cluster", args.stack)}/cluster`,
    retentionInDays: args.logRetentionDays,
    kmsKeyId: args.keys.data,
    tags: tagsFor(args.stack, "cluster"),
  };
}

/** Who reaches the API server: the network it is in, and from outside only whom the stack names. */
export function renderCluster(args: ClusterArgs, roleArn: Input<string>): EksClusterArgs {
  const isPublic = args.publicAccess.length > 0;
  return {
    name: awsName("cluster", args.stack),
    version: args.version,
    roleArn,
    vpcConfig: {
      subnetIds: [...args.subnetIds],
      endpointPrivateAccess: true,
      endpointPublicAccess: isPublic,
      ...(isPublic ? { publicAccessCidrs: [...args.publicAccess] } : {}),
    },
    kubernetesNetworkConfig: { ipFamily: "ipv4", serviceIpv4Cidr: formatBlock(SERVICE_BLOCK) },
    encryptionConfig: { provider: { keyArn: args.keys.secrets }, resources: ["secrets"] },
    enabledClusterLogTypes: [...CONTROL_PLANE_LOGS],
    // Whoever may do what is said by access entries alone: a ConfigMap anybody could edit decides nothing.
    accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: true },
    // The add-ons below, in versions that are written down, instead of whatever is current.
    bootstrapSelfManagedAddons: false,
    // After the end of the standard support EKS takes the next version instead of six times the price.
    upgradePolicy: { supportType: "STANDARD" },
    // Traffic inside the cluster leaves a zone that AWS reports as failing.
    zonalShiftConfig: { enabled: true },
    deletionProtection: true,
    ...(args.placement === "pack" ? { kubeSchedulerConfig: renderPacking() } : {}),
    tags: tagsFor(args.stack, "cluster"),
  };
}

/** The fullest node with room first. */
function renderPacking(): EksClusterArgs["kubeSchedulerConfig"] {
  return { nodeResourcesFit: { scoringStrategy: { type: "MostAllocated", resources: [...PACKING_WEIGHTS] } } };
}

/**
 * The security group that nodes have beside EKS's own: nothing in it but the nodes' traffic with each other, which Elastic
 * Fabric Adapters need as rules that name the group itself, for both directions (Amazon EC2 User Guide, "Elastic Fabric
 * Adapter", step 1), and their way out.
 */
export function renderNodeGroupFirewall(args: ClusterArgs): SecurityGroupArgs {
  const name = awsName("group", args.stack, "nodes");
  return {
    vpcId: args.vpcId,
    name,
    description: "Nodes of the cluster",
    tags: { ...tagsFor(args.stack, "nodes", name), ...discoveryTags(args.stack) },
  };
}

export function renderNodeIngress(args: AwsContext, group: Input<string>): SecurityGroupIngressRuleArgs {
  return { ...amongNodes(args, group), description: "Everything from other nodes" };
}

export function renderNodeEgress(args: AwsContext, group: Input<string>): SecurityGroupEgressRuleArgs {
  return { ...amongNodes(args, group), description: "Everything to other nodes" };
}

function amongNodes({ stack }: AwsContext, group: Input<string>) {
  return {
    securityGroupId: group,
    referencedSecurityGroupId: group,
    ipProtocol: "-1",
    tags: tagsFor(stack, "nodes"),
  };
}

/** Images and packages come from anywhere; what a pod may reach say NetworkPolicies. */
export function renderWayOut({ stack }: AwsContext, group: Input<string>): SecurityGroupEgressRuleArgs {
  return {
    securityGroupId: group,
    description: "The way out",
    cidrIpv4: "0.0.0.0/0",
    ipProtocol: "-1",
    tags: tagsFor(stack, "nodes"),
  };
}

/** Lets nodes of the role join the cluster, whether EKS or Karpenter starts them. */
export function renderNodeAccess(args: AwsContext, roleArn: Input<string>): Omit<AccessEntryArgs, "clusterName"> {
  return { principalArn: roleArn, type: "EC2_LINUX", tags: tagsFor(args.stack, "nodes") };
}

export function renderAdministrator(args: AwsContext, principalArn: string): Omit<AccessEntryArgs, "clusterName"> {
  return { principalArn, type: "STANDARD", tags: tagsFor(args.stack, "cluster") };
}

/** What an administrator may do: everything. */
export function administratorPolicy({ region }: AwsContext): string {
  return `arn:${partitionOf(region)}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy`;
}

export function renderAddonRole(args: AwsContext, { name }: AddonSpec): RoleArgs {
  return {
    name: awsName("role", args.stack, name),
    description: `Add-on ${name} of the cluster`,
    assumeRolePolicy: trustPods(clusterArn(args), "kube-system"),
    tags: tagsFor(args.stack, "identity"),
  };
}

export function renderAddon(
  args: ClusterArgs,
  addon: AddonSpec,
  { clusterName, roleArn }: { clusterName: Input<string>; roleArn?: Input<string> },
): AddonArgs {
  const { name, serviceAccount } = addon;
  const configurationValues = addonConfiguration(addon);
  return {
    clusterName,
    addonName: name,
    addonVersion: addonVersion(addon, args.version),
    // What somebody changed in the cluster by hand is put right.
    resolveConflictsOnCreate: "OVERWRITE",
    resolveConflictsOnUpdate: "OVERWRITE",
    ...(configurationValues === undefined ? {} : { configurationValues }),
    ...(serviceAccount === undefined || roleArn === undefined
      ? {}
      : { podIdentityAssociations: [{ serviceAccount, roleArn }] }),
    tags: tagsFor(args.stack, "cluster"),
  };
}

/** How the machine of a system node starts. */
export function renderSystemTemplate(args: ClusterArgs, groups: readonly Input<string>[]): LaunchTemplateArgs {
  const name = awsName("nodeGroup", args.stack, SYSTEM_POOL);
  const tags: Tags = tagsFor(args.stack, "nodes", name);
  return {
    name,
    description: "System nodes of the cluster",
    updateDefaultVersion: true,
    vpcSecurityGroupIds: [...groups],
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: METADATA_HOPS },
    blockDeviceMappings: [
      {
        deviceName: ROOT_DEVICE,
        ebs: {
          volumeSize: ROOT_SIZE_GIB,
          volumeType: "gp3",
          encrypted: "true",
          kmsKeyId: args.keys.data,
          deleteOnTermination: "true",
        },
      },
    ],
    tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({ resourceType, tags })),
    tags,
  };
}

export interface SystemNodesContext {
  readonly clusterName: Input<string>;
  readonly nodeRoleArn: Input<string>;
  readonly template: { readonly id: Input<string>; readonly version: Input<string> };
}

/** A fixed number: what runs on it does not grow with the cluster, and Karpenter cannot start what it runs on itself. */
export function renderSystemNodes(args: ClusterArgs, context: SystemNodesContext): NodeGroupArgs {
  const { nodes, instanceType } = args.systemNodes;
  return {
    clusterName: context.clusterName,
    nodeGroupName: awsName("nodeGroup", args.stack, SYSTEM_POOL),
    nodeRoleArn: context.nodeRoleArn,
    subnetIds: [...args.subnetIds],
    amiType: SYSTEM_AMI,
    capacityType: "ON_DEMAND",
    instanceTypes: [instanceType],
    launchTemplate: { id: context.template.id, version: context.template.version },
    scalingConfig: { minSize: nodes, maxSize: nodes, desiredSize: nodes },
    updateConfig: { maxUnavailable: 1 },
    nodeRepairConfig: { enabled: true },
    labels: { [POOL_LABEL]: SYSTEM_POOL },
    tags: tagsFor(args.stack, "nodes"),
  };
}
