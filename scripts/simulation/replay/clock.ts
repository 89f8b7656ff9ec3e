import { TimeQueue } from "../time-queue.ts";
import type { Trace, TracePod } from "./trace.ts";

/** The scheduler a trace is replayed against. */
export interface Placer {
  /** Gives it pods to place, in this order. */
  add(pods: readonly TracePod[]): Promise<void>;
  /** Takes pods away that have run; what they had is free again. */
  remove(pods: readonly TracePod[]): Promise<void>;
  /**
   * Waits until it has nothing left to do: each pod it was given is on a node, or it has tried and found no room as things
   * are now. Gives back those it placed since the last time, in the order in which it did.
   */
  settle(): Promise<readonly { readonly name: string; readonly node: string }[]>;
}

/** What is told of each moment at which something happened, once the scheduler has settled. */
export interface Moment {
  readonly seconds: number;
  readonly finished: readonly TracePod[];
  readonly placed: readonly { readonly pod: TracePod; readonly node: string }[];
  /** Pods that wait now. */
  readonly waiting: number;
}

export interface ReplayOptions {
  /**
   * What happens within a step of this length happens at its end, all together: the scheduler is asked less often, and a pod
   * waits, and holds what it has, for up to a step longer. @default 0: each moment by itself
   */
  readonly stepSeconds?: number;
  /** Ends the replay, with what it is aborted with. */
  readonly signal?: AbortSignal;
}

export interface Replayed {
  /** Seconds between arrival and placement, of each pod that was placed, by its name. */
  readonly waits: ReadonlyMap<string, number>;
  /** Pods that never found room. */
  readonly unplaced: readonly TracePod[];
}

/**
 * Replays a trace in time of its own: goes from one moment at which pods arrive or end to the next, and lets the scheduler come
 * to rest at each. So the scheduler itself takes no time, results do not depend on the speed of the machine, and a pod waits
 * only for room. At one moment, pods that end go before those that arrive. A pod ends its duration after it was placed; the
 * trace is over when nobody arrives and nobody runs any more.
 *
 * @param observe told of each moment
 */
export async function replay(
  { pods }: Pick<Trace, "pods">,
  placer: Placer,
  observe: (moment: Moment) => void,
  { stepSeconds = 0, signal }: ReplayOptions = {},
): Promise<Replayed> {
  const ends = new TimeQueue<TracePod>();
  const waiting = new Map<string, TracePod>();
  const waits = new Map<string, number>();
  let next = 0;
  for (;;) {
    signal?.throwIfAborted();
    const soonest = Math.min(pods[next]?.arrivalSeconds ?? Number.POSITIVE_INFINITY, ends.first());
    if (soonest === Number.POSITIVE_INFINITY) {
      return { waits, unplaced: [...waiting.values()] };
    }
    const seconds = stepSeconds > 0 ? Math.ceil(soonest / stepSeconds) * stepSeconds : soonest;
    const finished = ends.take(seconds);
    if (finished.length > 0) await placer.remove(finished);
    const from = next;
    while (next < pods.length && pods[next]!.arrivalSeconds <= seconds) next += 1;
    const arrived = pods.slice(from, next);
    for (const pod of arrived) waiting.set(pod.name, pod);
    if (arrived.length > 0) await placer.add(arrived);
    const placed = (await placer.settle()).map(({ name, node }) => {
      const pod = waiting.get(name);
      if (pod === undefined) throw new Error(`${name} was placed on ${node}, and nobody waited for that`);
      waiting.delete(name);
      waits.set(name, seconds - pod.arrivalSeconds);
      ends.add(seconds + pod.durationSeconds, pod);
      return { pod, node };
    });
    observe({ seconds, finished, placed, waiting: waiting.size });
  }
}
