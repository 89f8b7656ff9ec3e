import { awsName, bucketName, partitionOf } from "./names.ts";
import type { AwsContext } from "./types.ts";

/** ARNs that are known before what they name is there, because its name is. Pure. */

/** `arn:<partition>:<service>:<region>:<account>:<resource>`. */
export function regionalArn({ region, accountId }: AwsContext, service: string, resource: string): string {
  return `arn:${partitionOf(region)}:${service}:${region}:${accountId}:${resource}`;
}

/** `arn:<partition>:iam::<account>:<resource>`. */
export function iamArn({ region, accountId }: AwsContext, resource: string): string {
  return `arn:${partitionOf(region)}:iam::${accountId}:${resource}`;
}

export function clusterArn(context: AwsContext): string {
  return regionalArn(context, "eks", `cluster/${awsName("cluster", context.stack)}`);
}

export function bucketArn({ stack, accountId, region }: AwsContext, purpose: string): string {
  return `arn:${partitionOf(region)}:s3:::${bucketName(stack, purpose, accountId)}`;
}

/** A policy that AWS keeps. */
export function managedPolicyArn({ region }: AwsContext, name: string): string {
  return `arn:${partitionOf(region)}:iam::aws:policy/${name}`;
}
