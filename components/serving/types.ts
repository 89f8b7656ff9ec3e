import type { Input, Resource } from "@pulumi/pulumi";
import type { Placements } from "../compute/scheduling/queue.ts";
import type { ServedVersion } from "../lifecycle/types.ts";
import type { ArtifactStore } from "../platform/types.ts";

/** A version on trial. */
export interface Canary {
  readonly version: ServedVersion;
  /** Percent of the requests it gets beside a stable version, 1 to 99. Without one it gets all of them. */
  readonly weight: number;
}

/** An endpoint has a stable version, a canary, or both. */
export interface EndpointArgs {
  /** The version that serves. @default none: the model's first version is on trial */
  readonly stable?: ServedVersion | undefined;
  /** @default none */
  readonly canary?: Canary | undefined;
  readonly artifacts: ArtifactStore;
  /**
   * What scales servers here, where the stack brings it: to be there before what it reads, and to go after it.
   * @default none
   */
  readonly autoscaler?: Resource | undefined;
  /** The namespace of that autoscaler, from which the routers are asked for their load. @default any namespace's KEDA */
  readonly autoscalerNamespace?: string | undefined;
  readonly images: {
    /** MLServer, for models whose engine it is; other engines bring their image. By digest. */
    readonly server: Input<string>;
    /** HAProxy 2.6 or later; see workloads/router. By digest. */
    readonly router: Input<string>;
  };
  /** The pools that servers may name, and what keeps the cluster's quotas. @default no pools, priorities or quotas */
  readonly placements?: Placements | undefined;
}

/** One version as the router knows it. */
export interface Route {
  /** The server's name in the router's configuration, and so in its metrics. */
  readonly server: "stable" | "candidate";
  readonly version: string;
  /** Percent of the requests. */
  readonly weight: number;
  /** `host:port`. */
  readonly address: string;
}

/** What bounds requests and their waits. */
export interface RouterLimits {
  /** Requests a version is given at a time by one router; further ones wait in its queue. */
  readonly concurrency: number;
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** How long a request is held while no server takes it, in whole seconds. */
  readonly holdSeconds: number;
  /** How long it waits in the queue. */
  readonly queueSeconds: number;
  /** How long a server may take for it. */
  readonly requestSeconds: number;
}

export interface RouterConfig {
  readonly routes: readonly Route[];
  readonly limits: RouterLimits;
  readonly ports: { readonly http: number; readonly metrics: number };
}
