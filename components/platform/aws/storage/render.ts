import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/logGroup.js";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { DataRepositoryAssociationArgs } from "@pulumi/aws/fsx/dataRepositoryAssociation.js";
import type { LustreFileSystemArgs } from "@pulumi/aws/fsx/lustreFileSystem.js";
import type { BucketArgs } from "@pulumi/aws/s3/bucket.js";
import type { BucketLifecycleConfigurationArgs } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import type { BucketServerSideEncryptionConfigurationArgs } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import type { SecurityGroupEgressRuleArgs } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type { Input } from "@pulumi/pulumi";
import { interpolate } from "@pulumi/pulumi";
import { bucketArn } from "../arns.ts";
import { policyDocument } from "../identity/document.ts";
import { awsName, bucketName } from "../names.ts";
import { tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";
import { type BucketPlan, DATASETS_FOLDER, LUSTRE_PORTS, LUSTRE_VERSION, UNFINISHED_UPLOAD_DAYS } from "./defaults.ts";
import type { LustreArgs, StorageArgs } from "./types.ts";

export function renderBucket({ stack, accountId }: AwsContext, { purpose }: BucketPlan): BucketArgs {
  return { bucket: bucketName(stack, purpose, accountId), tags: tagsFor(stack, "storage") };
}

/** What is written without a key of its own is encrypted with the stack's; a bucket key saves the calls of KMS. */
export function renderBucketEncryption({
  key,
}: StorageArgs): Omit<BucketServerSideEncryptionConfigurationArgs, "bucket"> {
  return {
    rules: [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key },
        bucketKeyEnabled: true,
      },
    ],
  };
}

export function renderBucketLifecycle(plan: BucketPlan): Omit<BucketLifecycleConfigurationArgs, "bucket"> {
  const { archiveDays, expireDays, oldVersionDays } = plan;
  const everything = { prefix: "" };
  return {
    rules: [
      {
        id: "unfinished-uploads",
        status: "Enabled",
        filter: everything,
        abortIncompleteMultipartUpload: { daysAfterInitiation: UNFINISHED_UPLOAD_DAYS },
      },
      {
        id: "old-versions",
        status: "Enabled",
        filter: everything,
        noncurrentVersionExpiration: { noncurrentDays: oldVersionDays },
        // A marker that hides nothing any more.
        ...(expireDays === undefined ? { expiration: { expiredObjectDeleteMarker: true } } : {}),
      },
      ...(archiveDays === undefined
        ? []
        : [
            {
              id: "archive",
              status: "Enabled",
              filter: everything,
              transitions: [{ days: archiveDays, storageClass: "INTELLIGENT_TIERING" }],
            },
          ]),
      ...(expireDays === undefined
        ? []
        : [{ id: "expire", status: "Enabled", filter: everything, expiration: { days: expireDays } }]),
    ],
  };
}

/** Nobody reads or writes without TLS 1.2, whoever they are. */
export function renderBucketPolicy(context: AwsContext, { purpose }: BucketPlan): string {
  const arn = bucketArn(context, purpose);
  const resources = [arn, `${arn}/*`];
  return policyDocument([
    {
      sid: "OnlyEncrypted",
      effect: "Deny",
      principal: "*",
      actions: ["s3:*"],
      resources,
      conditions: { Bool: { "aws:SecureTransport": "false" } },
    },
    {
      sid: "OnlyCurrentTls",
      effect: "Deny",
      principal: "*",
      actions: ["s3:*"],
      resources,
      conditions: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
    },
  ]);
}

export function renderLustreGroup(args: LustreArgs): SecurityGroupArgs {
  const name = awsName("group", args.stack, "lustre");
  return { vpcId: args.vpcId, name, description: "FSx for Lustre", tags: tagsFor(args.stack, "storage", name) };
}

/** Servers of a file system talk to each other and to the nodes, and to nobody else. */
export function renderLustreRules(
  args: LustreArgs,
  group: Input<string>,
): readonly (SecurityGroupIngressRuleArgs & SecurityGroupEgressRuleArgs & { readonly name: string })[] {
  const peers = [
    { peer: "servers", id: group },
    { peer: "nodes", id: args.clientGroupId },
  ];
  return LUSTRE_PORTS.flatMap(({ from, to }) =>
    peers.map(({ peer, id }) => ({
      name: `${peer}-${from}`,
      securityGroupId: group,
      referencedSecurityGroupId: id,
      description: `Lustre, ${peer}`,
      ipProtocol: "tcp",
      fromPort: from,
      toPort: to,
      tags: tagsFor(args.stack, "storage"),
    })),
  );
}

/** Copies of each file on two servers, and a server that fails replaced: a training of weeks reads from it. */
export function renderLustre(args: LustreArgs, group: Input<string>, logGroupArn: Input<string>): LustreFileSystemArgs {
  const name = awsName("group", args.stack, "lustre");
  return {
    deploymentType: "PERSISTENT_2",
    storageType: "SSD",
    storageCapacity: args.lustre.sizeGiB,
    perUnitStorageThroughput: args.lustre.throughputPerTiB,
    fileSystemTypeVersion: LUSTRE_VERSION,
    dataCompressionType: "LZ4",
    subnetIds: args.subnetId,
    securityGroupIds: [group],
    kmsKeyId: args.key,
    logConfiguration: { level: "WARN_ERROR", destination: interpolate`${logGroupArn}:*` },
    // What it shows is in the bucket; what jobs leave beside it is scratch.
    skipFinalBackup: true,
    tags: tagsFor(args.stack, "storage", name),
  };
}

/** FSx writes only into groups of this prefix. */
export function renderLustreLogs(args: LustreArgs): LogGroupArgs {
  return {
    name: `/aws/fsx/${awsName("logGroup", args.stack, "lustre")}`,
    retentionInDays: args.logRetentionDays,
    kmsKeyId: args.key,
    tags: tagsFor(args.stack, "storage"),
  };
}

/** Files appear when their objects do, and are read from S3 at first use; what is written into the folder goes back. */
export function renderRepository(args: LustreArgs, fileSystemId: Input<string>): DataRepositoryAssociationArgs {
  const events = ["NEW", "CHANGED", "DELETED"];
  return {
    fileSystemId,
    fileSystemPath: DATASETS_FOLDER,
    dataRepositoryPath: interpolate`s3://${args.datasets}`,
    batchImportMetaDataOnCreate: true,
    s3: { autoImportPolicy: { events }, autoExportPolicy: { events } },
    tags: tagsFor(args.stack, "storage"),
  };
}
