import type { ModelSpec } from "../../stacks/schema.ts";
import type {
  CompressionRecord,
  GateDecision,
  GateEntry,
  Measurement,
  ServedVersion,
  TrainingRecord,
} from "./types.ts";

/** One candidate as the gate finds it: what became of its run. */
export type CandidateOutcome = {
  readonly candidate: string;
  /** The run's name. */
  readonly version: string;
} & ({ readonly record: CompressionRecord } | { readonly failed: string });

export interface GateInput {
  /** The trained model itself, which is always a candidate. */
  readonly baseline: TrainingRecord;
  readonly outcomes: readonly CandidateOutcome[];
  /** The version of another training that serves, or served last: none may be much worse than it. */
  readonly incumbent?: ServedVersion;
  /** Relative fall of the test accuracy that is allowed. */
  readonly maxAccuracyDrop: number;
  readonly objective: NonNullable<ModelSpec["compression"]>["objective"];
}

/** The name under which the gate lists the trained model itself. */
export const BASELINE = "baseline";

/** How each objective reads a measurement (less is better), and how it is said. */
const OBJECTIVES = {
  latency: { cost: (m: Measurement) => m.latencyP99Ms, say: (m: Measurement) => `${m.latencyP99Ms.toFixed(2)} ms p99` },
  throughput: {
    cost: (m: Measurement) => -m.throughputPerSecond,
    say: (m: Measurement) => `${m.throughputPerSecond.toFixed(0)} requests a second`,
  },
  size: { cost: (m: Measurement) => m.bytes, say: (m: Measurement) => `${(m.bytes / 1e6).toFixed(2)} MB` },
} as const;

/**
 * Chooses which version of a trained model goes on: of those whose test accuracy is within the allowed drop of the baseline
 * and of what serves, the best by the objective; of equally good ones the first by name. Pure.
 *
 * Accuracies of different datasets cannot be compared, since each has a test split of its own: there the comparison with
 * what serves is left to the rollout, which asks both the same. `incumbent` is never of the same training: a gate that
 * compared a training's candidates with one of them that serves would allow a little less accuracy each time.
 */
export function decide({ baseline, outcomes, incumbent, maxAccuracyDrop, objective }: GateInput): GateDecision {
  const measured = outcomes.flatMap((outcome) => ("record" in outcome ? [outcome.record] : []));
  const reference = incumbent?.training.dataset === baseline.dataset ? incumbent : undefined;
  const judge = (accuracy: number, own: number): string | undefined =>
    tooFar(accuracy, own, maxAccuracyDrop, "the baseline") ??
    (reference === undefined
      ? undefined
      : tooFar(accuracy, accuracyOf(reference), maxAccuracyDrop, `${reference.version}, which serves,`));

  const entries: GateEntry[] = [
    entry(
      BASELINE,
      baseline.run,
      baseline.metrics.testAccuracy,
      measured[0]?.baseline,
      judge(baseline.metrics.testAccuracy, baseline.metrics.testAccuracy),
    ),
    ...outcomes.map((outcome) =>
      "record" in outcome
        ? entry(
            outcome.candidate,
            outcome.version,
            outcome.record.result.testAccuracy,
            outcome.record.result,
            judge(outcome.record.result.testAccuracy, outcome.record.baseline.testAccuracy),
          )
        : { candidate: outcome.candidate, version: outcome.version, rejected: outcome.failed },
    ),
  ];
  const { cost, say } = OBJECTIVES[objective];
  const best = entries
    .filter(({ rejected }) => rejected === undefined)
    .reduce<GateEntry | undefined>(
      (first, next) => (first === undefined || isBetter(next, first) ? next : first),
      undefined,
    );
  return {
    ...(best === undefined ? {} : { chosen: best.version }),
    entries: entries.map((each) =>
      each === best || each.rejected !== undefined
        ? each
        : {
            ...each,
            rejected: `${each.measurement === undefined ? "" : `${say(each.measurement)}; `}${outdone(best)}`,
          },
    ),
  };

  function isBetter(a: GateEntry, b: GateEntry): boolean {
    // Only the baseline can be unmeasured, and only where nothing else was measured either.
    const difference = (a.measurement ? cost(a.measurement) : 0) - (b.measurement ? cost(b.measurement) : 0);
    return difference !== 0 ? difference < 0 : a.candidate < b.candidate;
  }

  function outdone(by: GateEntry | undefined): string {
    return by?.measurement === undefined ? "another was chosen" : `${by.candidate} has ${say(by.measurement)}`;
  }
}

/** The test accuracy of a version, on the test split of its own dataset. */
export function accuracyOf({ record }: Pick<ServedVersion, "record">): number {
  return record.kind === "training" ? record.metrics.testAccuracy : record.result.testAccuracy;
}

function entry(
  candidate: string,
  version: string,
  accuracy: number,
  measurement: Measurement | undefined,
  rejected: string | undefined,
): GateEntry {
  return {
    candidate,
    version,
    accuracy,
    ...(measurement === undefined ? {} : { measurement }),
    ...(rejected === undefined ? {} : { rejected }),
  };
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(2)} %`;

function tooFar(accuracy: number, reference: number, allowed: number, whose: string): string | undefined {
  // A reference of 0 cannot be fallen below.
  const drop = reference === 0 ? 0 : 1 - accuracy / reference;
  return drop <= allowed
    ? undefined
    : `test accuracy ${percent(accuracy)} is ${percent(drop)} below that of ${whose} (${percent(reference)}); ${percent(allowed)} is allowed`;
}
