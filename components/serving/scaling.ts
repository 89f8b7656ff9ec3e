import type { ModelSpec, ScalingSpec } from "../../stacks/schema.ts";
import { startupSecondsOf } from "../catalog/engines.ts";
import {
  HOLD_SECONDS,
  POLL_SECONDS,
  QUEUE_SECONDS,
  REQUESTS_PER_SCALED_SERVER,
  WAKE_MARGIN_SECONDS,
} from "./defaults.ts";

type Scaling = ScalingSpec;

/** Servers of a version at most. */
export function mostServers(scaling: Scaling): number {
  return scaling.kind === "fixed" ? scaling.replicas : scaling.max;
}

/**
 * Requests a version's servers are given at a time, by all routers together; further ones wait in the routers. A
 * version that is scaled is given what all its servers would take, or the last of them would have nothing to do. Until
 * they are there the others get it, so it is no more a server than what one is wanted for.
 */
export function requestsAtATime(scaling: Scaling, perServer: number): number {
  return scaling.kind === "fixed"
    ? perServer * scaling.replicas
    : Math.max(REQUESTS_PER_SCALED_SERVER, Math.ceil(scaling.concurrency)) * scaling.max;
}

/**
 * How long a request is held while no server takes it, and how long it waits for its turn. One that wakes a version
 * that sleeps is held until its first server answers, and those behind it wait as long.
 */
export function waitsOf(serving: Pick<ModelSpec["serving"], "engine" | "scaling" | "startupSeconds">) {
  const { scaling } = serving;
  const startupSeconds = startupSecondsOf(serving);
  const sleeps = scaling.kind === "auto" && scaling.min === 0;
  const wakeSeconds = sleeps ? POLL_SECONDS + startupSeconds + WAKE_MARGIN_SECONDS : 0;
  return { holdSeconds: Math.max(HOLD_SECONDS, wakeSeconds), queueSeconds: Math.max(QUEUE_SECONDS, wakeSeconds) };
}

/**
 * How the engine applies a Deployment whose number of servers is fixed: an autoscaler that counted them before still
 * owns the field, and it is taken back.
 *
 * The run of the engine that fixes the number removes the ScaledObject after that, and KEDA then gives the Deployment the
 * number it had before it was scaled: not asleep, but not as many as declared. The next run takes it back; the converge
 * loop runs the engine once more for it (`leftRescaled` in scripts/converge/changes.ts).
 */
export function renderTakeover(scaling: Scaling): Readonly<Record<string, string>> {
  return scaling.kind === "fixed" ? { "pulumi.com/patchForce": "true" } : {};
}

/** The replicas of a Deployment's spec: none where an autoscaler owns their number. */
export function renderReplicas(scaling: Scaling): { readonly replicas?: number } {
  return scaling.kind === "fixed" ? { replicas: scaling.replicas } : {};
}
