/** A trial as the search stage's `trials.json` has it. */
export interface Trial {
  readonly trial: number;
  readonly state: string;
  readonly values: readonly number[];
  /** What it reported after each of its epochs. */
  readonly epochs: Readonly<Record<string, number>>;
}

/** What one search came to. */
export interface SearchCurve {
  /** The lowest value after each trial; infinite until one was completed. */
  readonly best: readonly number[];
  readonly pruned: number;
  /** Epochs that all its trials trained together. */
  readonly epochs: number;
}

/** The curve of a search that lowers one value. A pruned trial counts and lowers nothing, one that failed does not count. */
export function curveOf(trials: readonly Trial[]): SearchCurve {
  const counted = trials
    .filter(({ state }) => state === "completed" || state === "pruned")
    .sort((a, b) => a.trial - b.trial);
  let lowest = Number.POSITIVE_INFINITY;
  return {
    best: counted.map(({ values: [value] }) => {
      lowest = Math.min(lowest, value ?? Number.POSITIVE_INFINITY);
      return lowest;
    }),
    pruned: counted.filter(({ state }) => state === "pruned").length,
    epochs: trials.reduce((sum, { epochs }) => sum + Object.keys(epochs).length, 0),
  };
}

/** The middle of some numbers, of an even count the mean of the two in the middle; of which some may be infinite. */
export function median(numbers: readonly number[]): number {
  if (numbers.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = [...numbers].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle]!;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/** The medians over several curves, trial by trial, as far as all of them go. */
export function medianCurve(curves: readonly (readonly number[])[]): number[] {
  const length = Math.min(...curves.map((curve) => curve.length));
  return Array.from({ length }, (_, at) => median(curves.map((curve) => curve[at]!)));
}

/** After how many trials a curve is at a value or below it; undefined where it never is. */
export function trialsToReach(curve: readonly number[], value: number): number | undefined {
  const at = curve.findIndex((best) => best <= value);
  return at < 0 ? undefined : at + 1;
}
