import type { ModelSpec, Resources } from "../../stacks/schema.ts";
import type { Problem } from "../core/problem.ts";
import { RECORDER_RESOURCES } from "./defaults.ts";

/** What the runs of a model may be placed on: nodes that are all alike, as far as their pods may use them. */
export interface Capacity {
  /** @default 1 */
  readonly nodes?: number;
  /** Cores of each node that pods may request. */
  readonly cpu: number;
  /** Memory of each node that pods may request, in GiB. */
  readonly memoryGiB: number;
  /**
   * What messages call it, e.g. `pool research`.
   *
   * @default "the capacity"
   */
  readonly name?: string;
}

/** Pods of one run that are there at the same time. */
export interface ParallelWork {
  /** Where the run's part of the model stands, e.g. `search`. */
  readonly path: string;
  readonly workers: number;
  /** Of each worker; each pod requests its recorder's beside them. */
  readonly resources: Pick<Resources, "cpu" | "memoryGiB">;
}

/** What of a model runs as several pods at a time: trials of a search, and workers of a training, of which none works alone. */
export function parallelWorkOf({ search, training }: Pick<ModelSpec, "search" | "training">): ParallelWork[] {
  return [
    ...(search === undefined ? [] : [{ path: "search", workers: search.workers, resources: search.resources }]),
    { path: "training", workers: training.workers, resources: training.resources },
  ];
}

/**
 * What is wrong with asking for so many workers at a time, with the arithmetic; nothing where all of them find a place. A
 * pod lies on one node, so what counts is how many each node holds:
 *
 *     nodes x min(floor(cpu / pod's cpu), floor(memoryGiB / pod's memoryGiB))
 *
 * Judged as if nothing else ran: what passes can still have to wait for others.
 */
export function capacityProblems({ path, workers, resources }: ParallelWork, capacity: Capacity): Problem[] {
  const { nodes = 1, cpu, memoryGiB, name = "the capacity" } = capacity;
  const pod = {
    cpu: rounded(resources.cpu + RECORDER_RESOURCES.cpu),
    memoryGiB: rounded(resources.memoryGiB + RECORDER_RESOURCES.memoryGiB),
  };
  const onEach = Math.min(times(cpu, pod.cpu), times(memoryGiB, pod.memoryGiB));
  const fits = nodes * onEach;
  if (workers <= fits) {
    return [];
  }
  const each =
    `a worker requests ${pod.cpu} cores (${resources.cpu}, and ${RECORDER_RESOURCES.cpu} of its recorder) and ` +
    `${pod.memoryGiB} GiB (${resources.memoryGiB}, and ${RECORDER_RESOURCES.memoryGiB})`;
  const has = `${name} has ${nodes === 1 ? "" : `${nodes} nodes of `}${cpu} cores and ${memoryGiB} GiB`;
  if (onEach === 0) {
    return [
      {
        path: `${path}.resources`,
        message: `must fit on a node: ${each}; ${has}.`,
        value: { cpu: resources.cpu, memoryGiB: resources.memoryGiB },
      },
    ];
  }
  const asked = `${rounded(workers * pod.cpu)} cores and ${rounded(workers * pod.memoryGiB)} GiB`;
  const most = nodes === 1 ? String(fits) : `${fits} (${nodes} x ${onEach})`;
  return [
    {
      path: `${path}.workers`,
      message: `must be at most ${most}: ${each}, so ${workers} at a time request ${asked}; ${has}.`,
      value: workers,
    },
  ];
}

/** How many of one quantity another holds; requests have at most three digits after the point, so the sixth decides nothing. */
function times(whole: number, part: number): number {
  return Math.floor(whole / part + 1e-6);
}

/** Without the last bits of a binary fraction: 0.1 + 0.2 is 0.30000000000000004. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}
