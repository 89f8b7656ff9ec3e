import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import { mostThatFit } from "./resources.ts";
import type { Host } from "./types.ts";

/** Replicas at most. */
export function mostReplicas({ scaling }: Pick<EndpointSpec, "scaling">): number {
  return scaling.kind === "fixed" ? scaling.replicas : scaling.max;
}

/** The replicas of a Deployment's or LeaderWorkerSet's spec: none where an autoscaler owns their number. */
export function renderReplicas({ scaling }: Pick<EndpointSpec, "scaling">): { readonly replicas?: number } {
  return scaling.kind === "fixed" ? { replicas: scaling.replicas } : {};
}

/**
 * How a new version of the pods takes over. A new replica starts beside the old ones where the pool has room for one more
 * than ever run; else one of the old ones goes first, since a new one that waits for its devices would wait for ever.
 */
export function rollout(
  endpoint: EndpointSpec,
  host: Host,
): { readonly maxSurge: number; readonly maxUnavailable: number } {
  return mostThatFit(endpoint, host) > mostReplicas(endpoint)
    ? { maxSurge: 1, maxUnavailable: 0 }
    : { maxSurge: 0, maxUnavailable: 1 };
}
