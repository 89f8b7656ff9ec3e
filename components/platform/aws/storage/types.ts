import type { Input } from "@pulumi/pulumi";
import type { EksSpec } from "../../../../stacks/aws.ts";
import type { AwsContext } from "../types.ts";

export interface StorageArgs extends AwsContext, Pick<EksSpec, "logRetentionDays"> {
  /** ARN of the key that encrypts what is stored. */
  readonly key: Input<string>;
}

export interface LustreArgs extends AwsContext, Pick<EksSpec, "logRetentionDays"> {
  readonly lustre: NonNullable<EksSpec["lustre"]>;
  readonly key: Input<string>;
  readonly vpcId: Input<string>;
  /** The subnet of the file system's zone. */
  readonly subnetId: Input<string>;
  /** The group whose members may mount it: the nodes'. */
  readonly clientGroupId: Input<string>;
  /** Name of the bucket its files come from. */
  readonly datasets: Input<string>;
}
