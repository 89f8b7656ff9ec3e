import type { Input, Resource } from "@pulumi/pulumi";
import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import type { AcceleratorName } from "../../catalog/accelerators.ts";
import type { Placement } from "../../compute/pools/placement.ts";
import type { Placed } from "../../compute/scheduling/queue.ts";
import type { Labels } from "../../core/labels.ts";

/** A pool as an endpoint sees it: what one node offers, and how many there are at most. Plain data. */
export interface Host {
  readonly pool: string;
  readonly placement: Placement;
  /** @default the nodes have none */
  readonly accelerator?: AcceleratorName;
  /** Devices of a node that a pod can ask for, parts counted as devices. */
  readonly devices: number;
  /** Memory of one of them in MiB. */
  readonly deviceMemoryMiB: number;
  /** How a device is divided. Devices are whole where pods may use several together. */
  readonly division: "whole" | "mig" | "timeSlicing";
  /** Cores of a node. */
  readonly cpu: number;
  /** Memory of a node, huge pages included. */
  readonly memoryGiB: number;
  /** Memory of a node that is kept as huge pages of 2 MiB. */
  readonly hugepagesGiB: number;
  /** Elastic Fabric Adapters of a node; 0 without EFA. */
  readonly efaInterfaces: number;
  /** Nodes at its largest. */
  readonly maxNodes: number;
  /** Whether nodes come when pods call for them: a pod may then wait for a machine to start. */
  readonly growsOnDemand: boolean;
}

/** Where numbers of requests are asked for. */
export interface MetricsSource {
  /** `http://host:port` or `https://...`, as KEDA's trigger `prometheus` takes it. */
  readonly url: Input<string>;
  /**
   * What tells the endpoint's series from those of another one of the same name. One that looks at a single namespace has no
   * such label: `{}`.
   * @default the label `namespace`, as the Prometheus Operator and Amazon's scraper give it
   */
  readonly labels?: Labels;
  /** Amazon Managed Service for Prometheus wants signed requests: KEDA signs them as its own identity. @default none */
  readonly awsRegion?: string;
}

export interface LanguageEndpointArgs {
  readonly endpoint: EndpointSpec;
  readonly host: Host;
  readonly namespace: string;
  /** The artifact store's claim, for weights that are a folder of it. @default none */
  readonly claimName?: string;
  /**
   * Its priority and its team's queue, as `place` of components/compute/scheduling says.
   * @default the default priority, and no queue
   */
  readonly placed?: Pick<Placed, "labels" | "annotations" | "pod" | "isQueued">;
  /** Where waiting requests are asked for; needed where the endpoint is scaled. @default none */
  readonly metrics?: MetricsSource;
  /** Whether the cluster has the Prometheus Operator, to be told where to look. @default false */
  readonly monitored?: boolean;
  /** What has to be there before: operators of the kinds it declares. @default nothing */
  readonly after?: readonly Input<Resource>[];
}
