import type { Input } from "@pulumi/pulumi";
import type { PoolSpec } from "../../../stacks/pools.ts";

/** What validation reads of the cluster a pool is for. Plain data. */
export interface PoolCluster {
  /** As `platform.cluster.kind` says. */
  readonly kind: "local" | "simulated" | "existing" | "eks";
  /** Availability zones it spans, of an EKS cluster. @default not known */
  readonly zones?: readonly string[];
  /** AWS region, of an EKS cluster. @default not known: prices and sums of them are not judged */
  readonly region?: string;
}

/**
 * What a pool on AWS takes from its cluster. What decides which objects exist is plain; the rest may come from other
 * resources.
 */
export interface EksPoolCluster {
  readonly kind: "eks";
  /** The EKS cluster's name. */
  readonly name: Input<string>;
  /** AWS region, such as `us-east-2`. */
  readonly region: string;
  /** Private subnets, one an availability zone, by the zone's name. Its zones are the cluster's. */
  readonly subnets: Readonly<Record<string, Input<string>>>;
  /**
   * Security groups of the nodes. With EFA one of them must let its members reach each other in both directions with every
   * protocol, each rule naming the group itself: the one that EKS makes for a cluster does.
   */
  readonly securityGroupIds: readonly Input<string>[];
  /** The IAM role of nodes: Karpenter takes it by name, node groups by ARN. */
  readonly nodeRole: { readonly name: Input<string>; readonly arn: Input<string> };
  /** The KMS key of root volumes, by its ARN. @default the account's own key of EBS */
  readonly volumeKey?: Input<string>;
  /** AWS tags of everything the pool makes, machines and volumes included. */
  readonly tags: Readonly<Record<string, string>>;
}

export type PoolClusterArgs = EksPoolCluster | { readonly kind: "local" | "simulated" | "existing" };

export interface GpuNodePoolArgs {
  /** As the stack file says, with its defaults. */
  readonly pool: PoolSpec;
  readonly cluster: PoolClusterArgs;
}

/** A pool whose provisioning is of one kind. */
export type PoolOf<K extends PoolSpec["provisioning"]["kind"]> = PoolSpec & {
  readonly provisioning: Extract<PoolSpec["provisioning"], { kind: K }>;
};
