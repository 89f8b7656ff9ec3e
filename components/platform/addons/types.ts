import type { Input } from "@pulumi/pulumi";
import type { StackSpec } from "../../../stacks/schema.ts";
import type { ChartName } from "./charts.ts";

/** A chart's values: plain data, but for what only the cluster's own resources know. */
export type Value = Input<string> | number | boolean | readonly Value[] | Values;
export interface Values {
  readonly [name: string]: Value;
}

/** What of a stack decides which add-ons its cluster has. */
export type AddonStack = Pick<StackSpec, "platform" | "pools" | "endpoints"> & Partial<Pick<StackSpec, "scheduling">>;

/** What of a stack that stands on the cluster of another one asks for add-ons there. */
export type GuestStack = Pick<StackSpec, "endpoints" | "models">;

/** What the add-ons are told of the cluster. */
export interface AddonContext {
  /** The EKS cluster's name. */
  readonly clusterName: Input<string>;
  /** The queue in which EC2 and AWS Health tell of machines that will go. */
  readonly interruptionQueue: Input<string>;
  /** AWS region. */
  readonly region: string;
}

/** A chart that is installed, and why. */
export interface Addon {
  readonly chart: ChartName;
  /** What in the stack calls for it, for people. */
  readonly because: string;
  readonly values: Values;
}

/** A group of Prometheus' rules, as components/monitoring renders it. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly object[];
}

export interface AddonsArgs extends AddonContext {
  readonly stack: AddonStack;
  /** Stacks that run something on the same cluster. @default none */
  readonly guests?: readonly GuestStack[];
  /** What the Prometheus of the cluster's own tells of; nobody reads them where it has none. @default none */
  readonly rules?: readonly RuleGroup[];
  /** Version of Kubernetes, such as `1.34`. */
  readonly kubernetesVersion: string;
}
