import type { Input } from "@pulumi/pulumi";
import type { EksSpec } from "../../../../stacks/aws.ts";
import type { SchedulingSpec } from "../../../../stacks/scheduling.ts";
import type { AwsContext, EncryptionKeys } from "../types.ts";

export interface ClusterArgs
  extends AwsContext,
    Pick<EksSpec, "version" | "publicAccess" | "administrators" | "logRetentionDays" | "systemNodes" | "cidr"> {
  readonly vpcId: Input<string>;
  /** Private subnets, one a zone. */
  readonly subnetIds: readonly Input<string>[];
  readonly keys: EncryptionKeys;
  /** Which of the nodes with room a pod gets. @default "spread" */
  readonly placement?: SchedulingSpec["placement"]["kind"];
  /** Whether FSx for Lustre is used, which brings its driver. @default false */
  readonly lustre?: boolean;
}

/** A cluster that is there, for whatever joins it. */
export interface ClusterConnection {
  readonly name: string;
  readonly arn: string;
  readonly endpoint: Input<string>;
  /** The certificate that its API server is known by, in base64. */
  readonly certificateAuthority: Input<string>;
}
