import type { KeyArgs } from "@pulumi/aws/kms/key.js";
import { iamArn, regionalArn } from "../arns.ts";
import { policyDocument, type Statement } from "../identity/document.ts";
import { awsName } from "../names.ts";
import { tagsFor } from "../tags.ts";
import type { AwsContext } from "../types.ts";

/** Days in which the deletion of a key can be taken back; the longest AWS offers. What it encrypted is lost with it. */
const DELETION_DAYS = 30;

/** What a service does with a key to write and read. */
export const KEY_USE = [
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
] as const;

/** The key of everything stored but Secrets. */
export function renderDataKey(context: AwsContext): KeyArgs {
  return renderKey(context, "Everything stored", [
    accountStatement(context),
    logsStatement(context),
    alertsStatement(context),
    lustreStatement(context),
    ...volumeStatements(context),
  ]);
}

/** The key of the cluster's Secrets: one of its own, because who may read data need not be able to read those. */
export function renderSecretsKey(context: AwsContext): KeyArgs {
  return renderKey(context, "Secrets of the cluster", [accountStatement(context)]);
}

function renderKey(context: AwsContext, what: string, statements: readonly Statement[]): KeyArgs {
  return {
    description: `${what}, stack ${context.stack}`,
    enableKeyRotation: true,
    deletionWindowInDays: DELETION_DAYS,
    policy: policyDocument(statements),
    tags: tagsFor(context.stack, "encryption"),
  };
}

/**
 * The account's own policies decide who may use the key. Without this statement a key can come to be nobody's, and then
 * only AWS's support can mend it (KMS Developer Guide, "Default key policy").
 */
function accountStatement(context: AwsContext): Statement {
  return {
    sid: "Account",
    principal: { AWS: iamArn(context, "root") },
    actions: ["kms:*"],
    resources: ["*"],
  };
}

/** CloudWatch Logs encrypts the log groups of this account and region with it, and nothing else. */
function logsStatement(context: AwsContext): Statement {
  return {
    sid: "Logs",
    principal: { Service: `logs.${context.region}.amazonaws.com` },
    actions: KEY_USE,
    resources: ["*"],
    conditions: {
      ArnLike: { "kms:EncryptionContext:aws:logs:arn": regionalArn(context, "logs", "log-group:*") },
    },
  };
}

/**
 * FSx reads and writes the objects of a bucket it shows as a role of its own, one a file system, whose name is known only
 * when the file system is there (FSx for Lustre User Guide, "Working with server-side encrypted Amazon S3 buckets").
 */
function lustreStatement(context: AwsContext): Statement {
  const roles = "role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/AWSServiceRoleForFSxS3Access_*";
  return {
    sid: "Lustre",
    principal: { AWS: "*" },
    actions: KEY_USE,
    resources: ["*"],
    conditions: {
      StringEquals: { "kms:CallerAccount": context.accountId, "kms:ViaService": `s3.${context.region}.amazonaws.com` },
      ArnLike: { "aws:PrincipalArn": iamArn(context, roles) },
    },
  };
}

/**
 * Who starts machines, whose root volumes it encrypts: the roles of Auto Scaling, EC2 Fleet and spot instances, whose own
 * policies know no key of an account's, and Karpenter's. Through EC2 alone, as the key that AWS keeps for volumes has it; a grant
 * is for EC2 itself, which uses it for as long as the volume is attached (EC2 Auto Scaling User Guide, "Required AWS KMS key
 * policy for use with encrypted volumes"; EC2 User Guide, "Service-linked role for EC2 Fleet" and "... for Spot Instance
 * requests").
 */
function volumeStatements(context: AwsContext): readonly Statement[] {
  const roles = [
    "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    "aws-service-role/ec2fleet.amazonaws.com/AWSServiceRoleForEC2Fleet",
    "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
    awsName("role", context.stack, "karpenter"),
  ].map((role) => iamArn(context, `role/${role}`));
  const conditions = {
    StringEquals: { "kms:CallerAccount": context.accountId, "kms:ViaService": `ec2.${context.region}.amazonaws.com` },
    ArnEquals: { "aws:PrincipalArn": roles },
  };
  const everybody = { principal: { AWS: "*" }, resources: ["*"] };
  return [
    { ...everybody, sid: "Volumes", actions: KEY_USE, conditions },
    {
      ...everybody,
      sid: "VolumeGrants",
      actions: ["kms:CreateGrant"],
      conditions: { ...conditions, Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}

/** Amazon Managed Prometheus writes alerts into a topic that is encrypted with it. */
function alertsStatement({ accountId }: AwsContext): Statement {
  return {
    sid: "Alerts",
    principal: { Service: "aps.amazonaws.com" },
    actions: ["kms:Decrypt", "kms:GenerateDataKey"],
    resources: ["*"],
    conditions: { StringEquals: { "aws:SourceAccount": accountId } },
  };
}
