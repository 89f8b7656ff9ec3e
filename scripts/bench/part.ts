import type { Report } from "../lib/report.ts";

/** What a command line asks of the parts; each takes what concerns it. */
export interface BenchOptions {
  /** Numbers of plain objects in one namespace, each measured. */
  readonly objects: readonly number[];
  /** Trials of each search, and how many searches each algorithm makes. */
  readonly trials: number;
  readonly seeds: number;
  /** Where plots are written. */
  readonly figures: string;
  /** Names of stacks with simulated clusters. */
  readonly stacks: readonly string[];
}

export interface PartResult {
  /** For people: a table, and what has to be said about it. */
  readonly text: string;
  /** For scripts. */
  readonly json: unknown;
}

/** Something `npm run bench` measures. */
export interface Part {
  readonly name: string;
  /** One line for --help. */
  readonly measures: string;
  run(options: BenchOptions, report: Report): Promise<PartResult>;
}
