import type { Input } from "@pulumi/pulumi";
import type { EksSpec } from "../../../../stacks/aws.ts";
import type { AwsContext } from "../types.ts";

export interface AwsDatabaseArgs extends AwsContext, Pick<EksSpec, "logRetentionDays"> {
  readonly database: NonNullable<EksSpec["database"]>;
  /** ARN of the key that encrypts it. */
  readonly key: Input<string>;
  readonly vpcId: Input<string>;
  /** Private subnets of at least two zones. */
  readonly subnetIds: readonly Input<string>[];
  /** The group whose members may connect: the nodes'. */
  readonly clientGroupId: Input<string>;
}
