import type { Input } from "@pulumi/pulumi";
import type { EksSpec } from "../../../../stacks/aws.ts";
import type { AwsContext } from "../types.ts";

export interface AwsMetricsArgs extends AwsContext, Pick<EksSpec, "logRetentionDays"> {
  /** ARN of the key that encrypts series and alerts. */
  readonly key: Input<string>;
  readonly clusterArn: Input<string>;
  /** Private subnets the scraper has addresses in, at least two. */
  readonly subnetIds: readonly Input<string>[];
  /** Groups of the scraper's addresses: the nodes', so that it reaches what runs on them. */
  readonly securityGroupIds: readonly Input<string>[];
  /**
   * Files of Prometheus' rules, as components/monitoring renders them, by the name of each: at most 64 of letters, digits, `-`,
   * `_` and `.`. @default none
   */
  readonly rules?: Readonly<Record<string, string>>;
}
