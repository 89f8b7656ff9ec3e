import { POOL_LABEL } from "../../../components/core/labels.ts";
import type { KubernetesObject } from "../api.ts";

/** On a pod: simulated seconds it runs for before it ends well. @default it runs until it is deleted */
export const DURATION_ANNOTATION = "simulation.millwright.dev/duration-seconds";

export interface PodObject extends KubernetesObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly containers: readonly {
      readonly name: string;
      readonly image?: string;
      readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
    }[];
  };
  readonly status?: { readonly phase?: string; readonly startTime?: string };
}

export const podPath = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/pods/${name}`;

export const isOver = ({ status }: PodObject): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

/** Simulated seconds it runs for; infinity where it says nothing, or nothing that is a number. */
export function durationOf({ metadata }: PodObject): number {
  const seconds = Number(metadata.annotations?.[DURATION_ANNOTATION] ?? Number.NaN);
  return seconds >= 0 ? seconds : Number.POSITIVE_INFINITY;
}

/** The pool it must be placed in. */
export const poolOf = ({ spec }: PodObject): string | undefined => spec.nodeSelector?.[POOL_LABEL];

const rfc3339 = (time: Date) => time.toISOString().replace(/\.\d+Z$/, "Z");

/** What a kubelet says of a pod whose containers have all started. */
export function runningStatus({ spec }: PodObject, now: Date) {
  const time = rfc3339(now);
  return {
    phase: "Running",
    startTime: time,
    conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"].map((type) => ({
      type,
      status: "True",
      lastTransitionTime: time,
    })),
    containerStatuses: spec.containers.map(({ name, image = "" }) => ({
      name,
      image,
      imageID: `simulated://${image}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: time } },
    })),
  };
}

/** What a kubelet says of a pod that has ended: well, or because its node was lost. */
export function endedStatus(
  { spec, status }: PodObject,
  outcome: "Succeeded" | "Interrupted",
  reason: string,
  now: Date,
) {
  const time = rfc3339(now);
  const well = outcome === "Succeeded";
  const exit = well ? { exitCode: 0, reason: "Completed" } : { exitCode: 137, reason };
  const startedAt = status?.startTime ?? time;
  return {
    phase: well ? "Succeeded" : "Failed",
    ...(well ? {} : { reason, message: `The simulated node was lost: ${reason}.` }),
    conditions: [
      ...["Ready", "ContainersReady"].map((type) => ({ type, status: "False", lastTransitionTime: time })),
      // By it a Job tells a loss that is nobody's fault from a failure.
      ...(well ? [] : [{ type: "DisruptionTarget", status: "True", reason, lastTransitionTime: time }]),
    ],
    containerStatuses: spec.containers.map(({ name, image = "" }) => ({
      name,
      image,
      imageID: `simulated://${image}`,
      ready: false,
      started: false,
      restartCount: 0,
      state: { terminated: { ...exit, startedAt, finishedAt: time } },
    })),
  };
}

/** How much of a node a pod takes, by whichever of its resources it takes most of: 1 is a whole node. */
export function shareOfNode({ spec }: PodObject, resources: Readonly<Record<string, string>>): number {
  const asked = new Map<string, number>();
  for (const { resources: own } of spec.containers) {
    for (const [name, quantity] of Object.entries(own?.requests ?? {})) {
      asked.set(name, (asked.get(name) ?? 0) + quantityOf(quantity));
    }
  }
  const shares = [...asked].map(([name, amount]) => amount / quantityOf(resources[name] ?? "0"));
  return Math.max(0, ...shares.filter((share) => Number.isFinite(share)));
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity as Kubernetes writes it, as a number. NaN for what is none. */
export function quantityOf(text: string): number {
  const [, number, unit = ""] = /^([0-9.]+(?:[eE][-+]?[0-9]+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  return number === undefined ? Number.NaN : Number(number) * (UNITS[unit] ?? Number.NaN);
}
