import type { RunRecord } from "../../components/lifecycle/types.ts";
import { markdownTable } from "./markdown.ts";

/** Seconds since the command began. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** One run of a model: from its Job to the end of its work. */
export interface RunBar extends Interval {
  readonly kind: RunRecord["kind"];
  /** The stage, with the candidate's name or the step's weight where there are several of it. */
  readonly label: string;
  /** When its Job was made. Until `from` it waits for a core and starts. */
  readonly made: number;
}

export interface Timeline {
  /** From the command to its end. */
  readonly seconds: number;
  /** Until the datacenter runs. */
  readonly start: Interval;
  /** From the first round on until the last image was built; null where none was. */
  readonly images: Interval | null;
  /** Each `pulumi up`. */
  readonly rounds: readonly Interval[];
  readonly models: readonly {
    readonly name: string;
    readonly stableAt: number | null;
    readonly runs: readonly RunBar[];
  }[];
}

/** What was seen of one `npm run up`; instants are milliseconds since 1970. */
export interface Seen {
  readonly began: number;
  readonly ended: number;
  /** Lines of its progress, and when each came. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** When each run's Job was made, by the run's name. */
  readonly jobs: ReadonlyMap<string, number>;
  readonly records: readonly RunRecord[];
  /** The names of the models in the order of the stack file. */
  readonly models: readonly string[];
}

/**
 * The times of everything that was done. A run's work is the seconds before its end that its record has; the API gives the
 * instants of records and Jobs in whole seconds, so that a bar may begin a second early.
 *
 * @throws RangeError where a record's Job was never seen, or no round of `pulumi up` was
 */
export function timelineOf({ began, ended, lines, jobs, records, models }: Seen): Timeline {
  const since = (instant: number) => Math.max(0, (instant - began) / 1000);
  const rounds = lines.flatMap(({ at, text }) => {
    const [, took] = /^✓ pulumi up, round \d+: .* (\S+)$/.exec(text) ?? [];
    return took === undefined ? [] : [{ from: Math.max(0, since(at) - parseElapsed(took)), to: since(at) }];
  });
  const [first] = rounds;
  if (first === undefined) throw new RangeError("there was no round of pulumi up");
  const built = lines.filter(({ text }) => /^ {2}create Image /.test(text)).map(({ at }) => since(at));
  const bar = (record: RunRecord): RunBar => {
    const job = jobs.get(record.run);
    if (job === undefined) throw new RangeError(`the Job of ${record.run} was never seen`);
    const [made, to] = [since(job), since(Date.parse(record.completedAt))];
    return { kind: record.kind, label: labelOf(record), made, from: Math.max(made, to - record.seconds), to };
  };
  return {
    seconds: since(ended),
    start: { from: 0, to: first.from },
    images: built.length === 0 ? null : { from: first.from, to: Math.max(...built) },
    rounds,
    models: models.map((name) => {
      const own = records.filter((record) => record.model === name && record.kind !== "trigger");
      const promoted = own.filter((record) => record.kind === "rollout" && record.verdict === "promote");
      return {
        name,
        stableAt:
          promoted.length === 0 ? null : Math.min(...promoted.map((record) => since(Date.parse(record.completedAt)))),
        runs: own.map(bar).sort((a, b) => a.from - b.from || a.to - b.to || (a.label < b.label ? -1 : 1)),
      };
    }),
  };
}

function labelOf(record: RunRecord): string {
  switch (record.kind) {
    case "compression":
      return record.candidate;
    case "rollout":
      return `canary, ${record.weight} %`;
    default:
      return record.kind;
  }
}

/** Seconds of what `formatElapsed` writes: `9.1s`, `29s`, `3m05s`, `1h02m`. */
export function parseElapsed(text: string): number {
  const match = /^(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is no time such as 3m05s`);
  const [hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return hours! * 3600 + minutes! * 60 + seconds!;
}

export function renderTimeline({ seconds, start, images, rounds, models }: Timeline): string {
  const applied = rounds.reduce((sum, { from, to }) => sum + to - from, 0);
  const rows = models.flatMap(({ name, stableAt, runs }) => [
    ...runs.map(({ label, made, from, to }) => [name, label, made, from - made, to - from, to]),
    [name, "**stable**", "", "", "", stableAt ?? "never"],
  ]);
  return [
    `From the command to its end ${seconds.toFixed(0)} s: the datacenter ran after ${start.to.toFixed(0)} s,`,
    `${images === null ? "no image was built" : `its images were built after ${images.to.toFixed(0)} s`}, and ${rounds.length} rounds of pulumi up`,
    `took ${applied.toFixed(0)} s together, most of it while runs were under way. In seconds since the command:`,
    "",
    markdownTable(
      ["model", "stage", "Job made at", "waited", "worked", "done at"],
      rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell.toFixed(0) : cell))),
    ),
  ].join("\n");
}
