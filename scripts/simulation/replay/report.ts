import { type Plot, renderPlot } from "../../bench/plot.ts";
import { type Means, type ReplayMetrics, thinned } from "./metrics.ts";
import type { SchedulerSpeed } from "./scheduler.ts";

/** A replay by one profile of the scheduler. */
export interface ProfileResult {
  readonly profile: string;
  readonly metrics: ReplayMetrics;
  readonly speed: SchedulerSpeed;
}

export interface TraceFacts {
  /** Where it comes from, in words. */
  readonly source: string;
  readonly nodes: number;
  readonly gpus: number;
  readonly pods: number;
  readonly stepSeconds: number;
}

/** Points of a line of a plot, and samples of a profile in JSON. */
const POINTS = 240;

/** What `--json` prints. Fractions are from 0 to 1; a sample is the mean of a stretch of the trace, from its `seconds` on. */
export function jsonOf(trace: TraceFacts, results: readonly ProfileResult[]) {
  return {
    trace,
    profiles: results.map(({ profile, metrics, speed }) => ({
      profile,
      ...metrics,
      samples: thinned(metrics.samples, POINTS),
      scheduler: { ...speed, podsPerSecond: podsPerSecond(metrics, speed) },
    })),
  };
}

/** Pods placed by the seconds the scheduler had something to do: by this machine, as busy as it was. */
export function podsPerSecond({ placedPods }: ReplayMetrics, { workingSeconds }: SchedulerSpeed): number {
  return workingSeconds > 0 ? placedPods / workingSeconds : 0;
}

type Row = readonly [label: string, value: (result: ProfileResult) => string];

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const meansRows = (title: string, means: (metrics: ReplayMetrics) => Means): Row[] => [
  [title, () => ""],
  ["  GPU allocation", ({ metrics }) => percent(means(metrics).allocation)],
  ["  fragmentation of free GPUs", ({ metrics }) => percent(means(metrics).fragmentation)],
  ["  fragmented GPUs, mean", ({ metrics }) => means(metrics).fragmentedGpus.toFixed(1)],
  ["  wholly free GPU nodes, mean", ({ metrics }) => means(metrics).freeNodes.toFixed(1)],
];

const ROWS: readonly Row[] = [
  ...meansRows("while pods arrive", ({ busy }) => busy),
  ...meansRows("until the last has ended", ({ whole }) => whole),
  ["wait for room, p50", ({ metrics }) => duration(metrics.waitSeconds.p50)],
  ["wait for room, p95", ({ metrics }) => duration(metrics.waitSeconds.p95)],
  ["wait for room, longest", ({ metrics }) => duration(metrics.waitSeconds.max)],
  ["pods placed", ({ metrics }) => String(metrics.placedPods)],
  ["pods never placed", ({ metrics }) => String(metrics.unschedulablePods.length)],
  ["pods across devices", ({ metrics }) => String(metrics.straddlingPods)],
  ["attempts to place", ({ speed }) => String(speed.attempts)],
  ["mean attempt, this machine", ({ speed }) => `${speed.attemptMilliseconds.toFixed(2)} ms`],
  ["pods a second, this machine", ({ metrics, speed }) => podsPerSecond(metrics, speed).toFixed(1)],
];

/** The table for people: a row a measure, a column a profile. */
export function tableOf(trace: TraceFacts, results: readonly ProfileResult[]): string {
  const lines = [["", ...results.map(({ profile }) => profile)]];
  for (const [label, value] of ROWS) {
    lines.push([label, ...results.map((result) => value(result))]);
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const shown = lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]! + 2)))
      .join("")
      .trimEnd(),
  );
  const { source, nodes, gpus, pods, stepSeconds } = trace;
  const step = stepSeconds > 0 ? `, in steps of ${stepSeconds} s` : "";
  return [`${source}: ${nodes} nodes with ${gpus} GPUs, ${pods} pods${step}`, ...shown, ""].join("\n");
}

/** `42 s`, `12.5 min`, `3.4 h`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Allocation and fragmentation of all GPUs while pods arrive, in percent by hours; a line each of at most two profiles. */
export function plotOf({ source }: TraceFacts, results: readonly ProfileResult[]): string {
  const lines = results.slice(0, 2).flatMap(({ profile, metrics: { gpus, samples, busy } }) => {
    const points = thinned(
      samples.filter(({ seconds }) => seconds <= busy.toSeconds),
      POINTS,
    );
    const line = (name: string, value: (sample: (typeof points)[number]) => number) => ({
      name: `${name}, ${profile}`,
      points: points.map((sample) => [sample.seconds / 3600, (100 * value(sample)) / gpus] as const),
    });
    return [line("allocated", ({ usedGpus }) => usedGpus), line("fragmented", ({ fragmentedGpus }) => fragmentedGpus)];
  });
  const plot: Plot = {
    title: `GPUs while pods arrive, ${source}`,
    xLabel: "hours",
    yLabel: "percent of all GPUs",
    yFrom: 0,
    shape: "steps",
    series: lines,
  };
  return renderPlot(plot);
}
