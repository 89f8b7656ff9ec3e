import type { Input } from "@pulumi/pulumi";
import type { AwsContext } from "../types.ts";

/** What runs in a team's namespace and does something in AWS. */
export const WORKLOAD_KINDS = ["training", "tracking", "serving"] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

export interface IdentityArgs extends AwsContext {
  /** ARN of the key that encrypts the buckets. */
  readonly key: Input<string>;
  /** Of Amazon Managed Prometheus. @default the metrics are in the cluster, and nobody asks AWS for any */
  readonly workspaceArn?: Input<string>;
  /** Name of the EKS cluster. */
  readonly clusterName: Input<string>;
  /** The account of Karpenter's controller. */
  readonly karpenter: ServiceAccountRef;
  /** The account of KEDA's operator, which asks for metrics where they are managed. */
  readonly keda: ServiceAccountRef;
  /** The account of the Cluster Autoscaler. @default it has no role */
  readonly clusterAutoscaler?: ServiceAccountRef;
}

export interface ServiceAccountRef {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface WorkloadIdentityArgs extends ServiceAccountRef {
  /** Name of the EKS cluster. */
  readonly clusterName: Input<string>;
  /** ARN of the role. */
  readonly roleArn: Input<string>;
  /** The stack that declares it. */
  readonly stack: string;
}
