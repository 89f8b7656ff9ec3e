import { median, medianCurve, type SearchCurve, trialsToReach } from "./curves.ts";
import { markdownTable } from "./markdown.ts";
import type { Plot } from "./plot.ts";

/** All searches by one algorithm: one a seed. */
export interface Searches {
  readonly algorithm: string;
  readonly pruner: string;
  readonly curves: readonly SearchCurve[];
}

export interface Comparison {
  readonly searches: readonly Searches[];
  /** The algorithm the others are held against, and its median best value when all trials are done. */
  readonly reference: string;
  readonly goal: number;
  readonly summaries: readonly Summary[];
}

/** What the searches by one algorithm come to. */
export interface Summary {
  readonly algorithm: string;
  readonly pruner: string;
  /** The median over the seeds of the lowest value after each trial. */
  readonly median: readonly number[];
  /** Trials until the median is at the reference's final one; null where it never is. */
  readonly trialsToGoal: number | null;
  /** The same of each seed, against the reference's final value with that seed. */
  readonly trialsToGoalBySeed: readonly (number | null)[];
  readonly prunedMedian: number;
  readonly epochsMedian: number;
}

/** Holds algorithms against one of them, whose searches must be of the same seeds. */
export function compare(searches: readonly Searches[], reference: string): Comparison {
  const base = searches.find(({ algorithm }) => algorithm === reference);
  if (base === undefined) throw new RangeError(`nobody searched by ${reference}`);
  const goal = medianCurve(base.curves.map(({ best }) => best)).at(-1)!;
  const summaries = searches.map(({ algorithm, pruner, curves }) => {
    const middle = medianCurve(curves.map(({ best }) => best));
    return {
      algorithm,
      pruner,
      median: middle,
      trialsToGoal: trialsToReach(middle, goal) ?? null,
      trialsToGoalBySeed: curves.map(({ best }, seed) => trialsToReach(best, base.curves[seed]!.best.at(-1)!) ?? null),
      prunedMedian: median(curves.map(({ pruned }) => pruned)),
      epochsMedian: median(curves.map(({ epochs }) => epochs)),
    };
  });
  return { searches, reference, goal, summaries };
}

export function renderComparison({ summaries, reference, goal }: Comparison): string {
  const longest = Math.max(...summaries.map((each) => each.median.length));
  const stops = [...new Set([1, 5, 10, 16, 24, 32, longest])].filter((stop) => stop <= longest);
  const titles = [
    "search",
    ...stops.map((stop) => `after ${stop}`),
    `trials to ${reference}'s best`,
    "the same by seed",
    "pruned",
    "epochs trained",
  ];
  const rows = summaries.map((each) => [
    nameOf(each),
    ...stops.map((stop) => shown(each.median[stop - 1])),
    count(each.trialsToGoal),
    each.trialsToGoalBySeed.map(count).join(", "),
    String(each.prunedMedian),
    String(each.epochsMedian),
  ]);
  const seeds = summaries[0]?.trialsToGoalBySeed.length ?? 0;
  return [
    `Lowest validation loss after so many trials, the median of ${seeds} seeds; ${reference}'s best is ${shown(goal)}:`,
    "",
    markdownTable(titles, rows),
  ].join("\n");
}

export function plotOf({ summaries }: Comparison): Plot {
  const seeds = summaries[0]?.trialsToGoalBySeed.length ?? 0;
  return {
    title: `Search: best validation loss so far, median of ${seeds} seeds`,
    xLabel: "trials",
    yLabel: "validation loss (log scale)",
    yScale: "log",
    shape: "steps",
    series: summaries.map((each) => ({
      name: nameOf(each),
      points: each.median.map((value, at) => [at + 1, value] as const),
    })),
  };
}

function nameOf({ algorithm, pruner }: Pick<Summary, "algorithm" | "pruner">): string {
  return pruner === "none" ? algorithm : `${algorithm} + ${pruner} pruner`;
}

function count(trials: number | null): string {
  return trials === null ? "never" : String(trials);
}

function shown(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "" : value.toFixed(4);
}
