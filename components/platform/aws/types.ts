import type { Input } from "@pulumi/pulumi";

/** What every part of the platform needs to know of where it is. */
export interface AwsContext {
  /** Name of the Pulumi stack, e.g. `production`; names in the account are made of it. */
  readonly stack: string;
  /** Twelve digits. */
  readonly accountId: string;
  readonly region: string;
}

/** The keys that encrypt what lies still, as ARNs. */
export interface EncryptionKeys {
  /** Of everything stored: buckets, volumes, images, logs, metrics, the database. */
  readonly data: Input<string>;
  /** Of the cluster's Secrets. */
  readonly secrets: Input<string>;
}

/** The policy documents of IAM are given as JSON with sorted keys. */
export type PolicyJson = string;
