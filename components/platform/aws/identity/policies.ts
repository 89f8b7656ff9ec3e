import { bucketArn, clusterArn, iamArn, regionalArn } from "../arns.ts";
import { awsName } from "../names.ts";
import type { AwsContext } from "../types.ts";
import { policyDocument, type Statement } from "./document.ts";

/**
 * What each workload may do, as documents of IAM. Pure. No action has a wildcard; a resource is `*` only where the service
 * offers nothing narrower, and then in one region.
 */

/** A tag of the session that EKS Pod Identity opens for a pod; so one role serves all teams, each in its own folder. */
function sessionTag(name: "kubernetes-namespace"): string {
  return `\${aws:PrincipalTag/${name}}`;
}

const OWN_FOLDER = `${sessionTag("kubernetes-namespace")}/*`;

/** Published models that every team may serve lie in this folder of the artifacts' bucket. */
export const SHARED_MODELS = "models/*";

type BucketAccess = "read" | "write";

const OBJECT_ACTIONS: Readonly<Record<BucketAccess, readonly string[]>> = {
  read: ["s3:GetObject"],
  write: ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
};

/** Objects of some folders of a bucket, and nothing of the others', not even their names. */
function folderStatements(
  context: AwsContext,
  bucket: string,
  access: BucketAccess,
  folders: readonly string[],
): Statement[] {
  const arn = bucketArn(context, bucket);
  const sid = capitalized(bucket);
  return [
    {
      sid: `${sid}Names`,
      actions: ["s3:ListBucket"],
      resources: [arn],
      conditions: { StringLike: { "s3:prefix": folders } },
    },
    { sid: `${sid}Objects`, actions: OBJECT_ACTIONS[access], resources: folders.map((folder) => `${arn}/${folder}`) },
  ];
}

/** The key of the buckets, for objects alone: what else it encrypts stays closed. */
function keyStatement({ region }: AwsContext, keyArn: string, access: BucketAccess): Statement {
  return {
    sid: "Key",
    actions: access === "read" ? ["kms:Decrypt"] : ["kms:Decrypt", "kms:GenerateDataKey"],
    resources: [keyArn],
    conditions: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
  };
}

/** A training: reads its team's datasets, and keeps its checkpoints and what it made. */
export function trainingPolicy(context: AwsContext, keyArn: string): readonly Statement[] {
  return [
    ...folderStatements(context, "datasets", "read", [OWN_FOLDER]),
    ...folderStatements(context, "checkpoints", "write", [OWN_FOLDER]),
    ...folderStatements(context, "artifacts", "write", [OWN_FOLDER]),
    keyStatement(context, keyArn, "write"),
  ];
}

/** MLflow: keeps copies of its team's artifacts. */
export function trackingPolicy(context: AwsContext, keyArn: string): readonly Statement[] {
  return [...folderStatements(context, "artifacts", "write", [OWN_FOLDER]), keyStatement(context, keyArn, "write")];
}

/** A server of a language model: reads weights, its team's and the published ones. */
export function servingPolicy(context: AwsContext, keyArn: string): readonly Statement[] {
  return [
    ...folderStatements(context, "artifacts", "read", [OWN_FOLDER, SHARED_MODELS]),
    keyStatement(context, keyArn, "read"),
  ];
}

/** Whoever decides by metrics: the autoscaler and the watcher. */
export function metricsReaderPolicy(workspaceArn: string): readonly Statement[] {
  return [
    {
      sid: "Query",
      actions: ["aps:GetLabels", "aps:GetMetricMetadata", "aps:GetSeries", "aps:QueryMetrics"],
      resources: [workspaceArn],
    },
  ];
}

/** The driver of FSx for Lustre: makes a file system for a claim, tags it as its own, and removes only such. */
export function lustreDriverPolicy(context: AwsContext): string {
  const ownRequest = { StringEquals: { "aws:RequestTag/kubernetes.io/cluster": awsName("cluster", context.stack) } };
  return policyDocument([
    {
      sid: "Create",
      actions: ["fsx:CreateFileSystem", "fsx:TagResource"],
      resources: [regionalArn(context, "fsx", "file-system/*")],
      conditions: ownRequest,
    },
    {
      sid: "Remove",
      actions: ["fsx:DeleteFileSystem", "fsx:UpdateFileSystem"],
      resources: [regionalArn(context, "fsx", "file-system/*")],
      conditions: { StringEquals: { "aws:ResourceTag/kubernetes.io/cluster": awsName("cluster", context.stack) } },
    },
    {
      sid: "Look",
      actions: ["fsx:DescribeFileSystems", "ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces"],
      resources: ["*"],
      conditions: inRegion(context),
    },
  ]);
}

/** Kinds of EC2's resources that a machine is made of. */
const MACHINE_PARTS = ["fleet", "instance", "launch-template", "network-interface", "spot-instances-request", "volume"];

/** What a machine is started from, and stays. */
const MACHINE_SOURCES = ["capacity-reservation", "placement-group", "security-group", "snapshot", "subnet"];

/**
 * Karpenter's controller: starts machines that carry the cluster's tag and a pool's, and removes only such.
 * After the policies of Karpenter 1.14 ("Reference", "CloudFormation"), in words of our own.
 */
export function karpenterPolicy(context: AwsContext, { queueArn }: { queueArn: string }): readonly Statement[] {
  const cluster = awsName("cluster", context.stack);
  const owned = `kubernetes.io/cluster/${cluster}`;
  const ec2 = (kinds: readonly string[]) => kinds.map((kind) => regionalArn(context, "ec2", `${kind}/*`));
  const requested = {
    StringEquals: { [`aws:RequestTag/${owned}`]: "owned", "aws:RequestTag/eks:eks-cluster-name": cluster },
    StringLike: { "aws:RequestTag/karpenter.sh/nodepool": "*" },
  };
  const existing = {
    StringEquals: { [`aws:ResourceTag/${owned}`]: "owned" },
    StringLike: { "aws:ResourceTag/karpenter.sh/nodepool": "*" },
  };
  // What others published names no account.
  const published = (service: string, resource: string) =>
    regionalArn({ ...context, accountId: "" }, service, resource);
  const profiles = iamArn(context, "instance-profile/*");
  const profileTags = (kind: "Request" | "Resource") => ({
    StringEquals: {
      [`aws:${kind}Tag/${owned}`]: "owned",
      [`aws:${kind}Tag/topology.kubernetes.io/region`]: context.region,
    },
    StringLike: { [`aws:${kind}Tag/karpenter.k8s.aws/ec2nodeclass`]: "*" },
  });
  return [
    {
      sid: "StartFrom",
      actions: ["ec2:CreateFleet", "ec2:RunInstances"],
      resources: [...ec2(MACHINE_SOURCES), published("ec2", "image/*"), published("ec2", "snapshot/*")],
    },
    {
      sid: "StartFromTemplate",
      actions: ["ec2:CreateFleet", "ec2:RunInstances"],
      resources: ec2(["launch-template"]),
      conditions: existing,
    },
    {
      sid: "Start",
      actions: ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"],
      resources: ec2(MACHINE_PARTS),
      conditions: requested,
    },
    {
      sid: "TagNew",
      actions: ["ec2:CreateTags"],
      resources: ec2(MACHINE_PARTS),
      conditions: {
        ...requested,
        StringEquals: {
          ...requested.StringEquals,
          "ec2:CreateAction": ["CreateFleet", "CreateLaunchTemplate", "RunInstances"],
        },
      },
    },
    {
      sid: "TagOwn",
      actions: ["ec2:CreateTags"],
      resources: ec2(["instance"]),
      conditions: {
        ...existing,
        "ForAllValues:StringEquals": { "aws:TagKeys": ["Name", "eks:eks-cluster-name", "karpenter.sh/nodeclaim"] },
      },
    },
    {
      sid: "Remove",
      actions: ["ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"],
      resources: ec2(["instance", "launch-template"]),
      conditions: existing,
    },
    {
      sid: "Look",
      actions: [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets",
      ],
      resources: ["*"],
      conditions: inRegion(context),
    },
    {
      sid: "Images",
      actions: ["ssm:GetParameter"],
      resources: [published("ssm", "parameter/aws/service/*")],
    },
    { sid: "Prices", actions: ["pricing:GetProducts"], resources: ["*"] },
    {
      sid: "Interruptions",
      actions: ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
      resources: [queueArn],
    },
    {
      sid: "GiveRole",
      actions: ["iam:PassRole"],
      resources: [iamArn(context, `role/${awsName("role", context.stack, "nodes")}`)],
      conditions: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
    },
    {
      sid: "ProfileNew",
      actions: ["iam:CreateInstanceProfile"],
      resources: [profiles],
      conditions: profileTags("Request"),
    },
    {
      sid: "ProfileTag",
      actions: ["iam:TagInstanceProfile"],
      resources: [profiles],
      conditions: {
        StringEquals: { ...profileTags("Request").StringEquals, ...profileTags("Resource").StringEquals },
      },
    },
    {
      sid: "ProfileOwn",
      actions: ["iam:AddRoleToInstanceProfile", "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"],
      resources: [profiles],
      conditions: profileTags("Resource"),
    },
    { sid: "ProfileLook", actions: ["iam:GetInstanceProfile"], resources: [profiles] },
    // Takes no resource: the list is the account's.
    { sid: "ProfileList", actions: ["iam:ListInstanceProfiles"], resources: ["*"] },
    { sid: "Cluster", actions: ["eks:DescribeCluster"], resources: [clusterArn(context)] },
  ];
}

/**
 * The Cluster Autoscaler: sets the size of the Auto Scaling groups of this cluster's node groups, and takes away single machines
 * of theirs. EKS names those groups `eks-...` and gives them the cluster's tag (EKS User Guide, "Tagging your Amazon EKS
 * resources").
 *
 * Looks up no more than these groups make it: they start from launch templates, so neither launch configurations nor
 * requirements of machines are among it (kubernetes/autoscaler 1.34, cluster-autoscaler/cloudprovider/aws).
 */
export function clusterAutoscalerPolicy(context: AwsContext): readonly Statement[] {
  const cluster = awsName("cluster", context.stack);
  return [
    {
      sid: "Resize",
      actions: ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
      resources: [regionalArn(context, "autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")],
      conditions: { StringEquals: { [`aws:ResourceTag/k8s.io/cluster-autoscaler/${cluster}`]: "owned" } },
    },
    {
      sid: "Look",
      actions: [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
      ],
      resources: ["*"],
      conditions: inRegion(context),
    },
    // Labels and taints of a group that has no node yet.
    {
      sid: "NodeGroups",
      actions: ["eks:DescribeNodegroup"],
      resources: [regionalArn(context, "eks", `nodegroup/${cluster}/*/*`)],
    },
  ];
}

/** The narrowest that actions which list things allow. */
function inRegion({ region }: AwsContext): NonNullable<Statement["conditions"]> {
  return { StringEquals: { "aws:RequestedRegion": region } };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
