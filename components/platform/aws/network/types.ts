import type { Input } from "@pulumi/pulumi";
import type { EksSpec } from "../../../../stacks/aws.ts";
import type { AwsContext } from "../types.ts";

export interface NetworkArgs extends AwsContext, Pick<EksSpec, "cidr" | "zones" | "natGateways" | "logRetentionDays"> {
  /** Services of AWS that are reached from inside, beside those every cluster needs; e.g. `fsx`. @default none */
  readonly endpoints?: readonly string[];
  /** ARN of the key that encrypts the flow logs. */
  readonly logKey: Input<string>;
}
