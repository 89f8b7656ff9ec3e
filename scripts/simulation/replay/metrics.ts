import type { Moment, Replayed } from "./clock.ts";
import { Machines, typicalPods } from "./machines.ts";
import type { Trace } from "./trace.ts";

/** The state of the machines from one moment to the next. */
export interface Sample {
  readonly seconds: number;
  /** GPUs that pods have. */
  readonly usedGpus: number;
  /** GPUs that are free and that the next pod could not use, on average. */
  readonly fragmentedGpus: number;
  /** Nodes with GPUs of which none is in use. */
  readonly freeNodes: number;
  readonly waitingPods: number;
}

/** Means over a stretch of the trace, each moment weighing as long as it lasted. */
export interface Means {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** GPU seconds that pods had, by GPU seconds there were. */
  readonly allocation: number;
  /** Of the GPU time that was free, the share that the next pod could not have used. */
  readonly fragmentation: number;
  readonly fragmentedGpus: number;
  readonly freeNodes: number;
}

export interface WaitSeconds {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly mean: number;
}

/** What a replay came to; nothing in it depends on how fast the machine was. */
export interface ReplayMetrics {
  readonly gpus: number;
  readonly pods: number;
  readonly placedPods: number;
  /** Names of pods that never found room. */
  readonly unschedulablePods: readonly string[];
  /** Pods that no single device had room for, placed because the scheduler sees a node's GPUs as a sum. */
  readonly straddlingPods: number;
  /** While pods arrive: from the first arrival to the last. */
  readonly busy: Means;
  /** From the first arrival until the last pod has ended. */
  readonly whole: Means;
  readonly waitSeconds: WaitSeconds;
  readonly samples: readonly Sample[];
}

/** Follows a replay and measures it. */
export class Meter {
  readonly #trace: Trace;
  readonly #machines: Machines;
  readonly #samples: Sample[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#machines = new Machines(trace.nodes, typicalPods(trace.pods));
  }

  observe({ seconds, finished, placed, waiting }: Moment): void {
    for (const pod of finished) this.#machines.release(pod);
    for (const { pod, node } of placed) this.#machines.place(pod, node);
    this.#samples.push({
      seconds,
      usedGpus: this.#machines.usedMilli / 1000,
      // Sums of many differences end a little beside 0.
      fragmentedGpus: Math.max(0, Math.round(this.#machines.fragmentMilli * 1e6) / 1e9),
      freeNodes: this.#machines.freeNodes,
      waitingPods: waiting,
    });
  }

  result({ waits, unplaced }: Replayed): ReplayMetrics {
    const { pods } = this.#trace;
    const gpus = this.#machines.totalMilli / 1000;
    const [first, last] = [pods[0]?.arrivalSeconds ?? 0, pods.at(-1)?.arrivalSeconds ?? 0];
    return {
      gpus,
      pods: pods.length,
      placedPods: waits.size,
      unschedulablePods: unplaced.map(({ name }) => name).sort(),
      straddlingPods: this.#machines.straddling,
      busy: meansOf(this.#samples, gpus, first, last),
      whole: meansOf(this.#samples, gpus, first, this.#samples.at(-1)?.seconds ?? last),
      waitSeconds: waitsOf([...waits.values()]),
      samples: this.#samples,
    };
  }
}

/** Integrals of the samples over [from, to], divided by its length; a sample holds until the next. */
export function meansOf(samples: readonly Sample[], gpus: number, from: number, to: number): Means {
  const total = { used: 0, fragmented: 0, freeNodes: 0 };
  for (const [at, sample] of samples.entries()) {
    const begin = Math.max(from, sample.seconds);
    const end = Math.min(to, samples[at + 1]?.seconds ?? to);
    if (end <= begin) continue;
    total.used += sample.usedGpus * (end - begin);
    total.fragmented += sample.fragmentedGpus * (end - begin);
    total.freeNodes += sample.freeNodes * (end - begin);
  }
  const seconds = to - from;
  const free = gpus * seconds - total.used;
  return {
    fromSeconds: from,
    toSeconds: to,
    allocation: ratio(total.used, gpus * seconds),
    fragmentation: ratio(total.fragmented, free),
    fragmentedGpus: ratio(total.fragmented, seconds),
    freeNodes: ratio(total.freeNodes, seconds),
  };
}

/** 0 of nothing is 0. */
const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : 0);

/** Percentiles by the nearest rank: the least value that so many percent do not exceed. */
export function waitsOf(seconds: readonly number[]): WaitSeconds {
  const sorted = [...seconds].sort((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const mean = ratio(
    sorted.reduce((sum, value) => sum + value, 0),
    sorted.length,
  );
  return { p50: rank(0.5), p95: rank(0.95), max: sorted.at(-1) ?? 0, mean };
}

/** At most `count` samples that stand for all: each the mean of a stretch of equal length, at its beginning. */
export function thinned(samples: readonly Sample[], count: number): Sample[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || samples.length <= count) return [...samples];
  const length = (last.seconds - first.seconds) / count;
  const thin: Sample[] = [];
  let at = 0;
  for (let bucket = 0; bucket < count; bucket += 1) {
    const [begin, end] = [first.seconds + bucket * length, first.seconds + (bucket + 1) * length];
    const total = { usedGpus: 0, fragmentedGpus: 0, freeNodes: 0, waitingPods: 0 };
    while (at > 0 && samples[at]!.seconds > begin) at -= 1;
    for (; at < samples.length && samples[at]!.seconds < end; at += 1) {
      const sample = samples[at]!;
      const weight = (Math.min(end, samples[at + 1]?.seconds ?? end) - Math.max(begin, sample.seconds)) / length;
      if (weight <= 0) continue;
      for (const key of ["usedGpus", "fragmentedGpus", "freeNodes", "waitingPods"] as const) {
        total[key] += weight * sample[key];
      }
    }
    at = Math.max(0, at - 1);
    thin.push({ seconds: begin, ...total });
  }
  return thin;
}
