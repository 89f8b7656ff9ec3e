import type { Output } from "@pulumi/pulumi";
import type { WorkloadKind } from "./identity/types.ts";
import type { BucketPlan } from "./storage/defaults.ts";

/** A server that stacks of models share. */
export interface PlatformDatabase {
  /** Its name inside the network. */
  readonly host: string;
  readonly port: number;
  /** A role that may create databases. */
  readonly user: string;
  /** Kept as a secret in the outputs. */
  readonly password: string;
}

/**
 * What a stack with a cluster tells the stacks that run something on it: the stack output `platform`. Changing or removing a
 * member breaks stacks that have not been brought up since, so members are only ever added.
 */
export interface PlatformOutputs {
  readonly accountId: string;
  readonly region: string;
  /** Name of the EKS cluster. */
  readonly clusterName: string;
  /** Without a secret: a command of the AWS command line gets the token. */
  readonly kubeconfig: string;
  /** `host/path`, below which images are pushed. */
  readonly registry: string;
  /** ARN of the key that encrypts what is stored. */
  readonly key: string;
  /** Names of buckets, by what they are for. */
  readonly buckets: Readonly<Record<BucketPlan["purpose"], string>>;
  /** ARNs of roles that service accounts of models may be given. */
  readonly roles: Readonly<Record<WorkloadKind, string>>;
  /** @default the platform has none */
  readonly database?: PlatformDatabase;
  /** Amazon Managed Prometheus. @default the metrics are in the cluster */
  readonly metrics?: { readonly url: string; readonly workspaceId: string };
}

/** {@link PlatformOutputs} as the stack that makes it knows them: what is there decides plain data, what it says comes later. */
export type Outputs<T> = {
  readonly [K in keyof T]: T[K] extends string | number ? T[K] | Output<T[K]> : Outputs<T[K]>;
};
