import type { RequestCounts } from "./audit.ts";

/** One thing that was measured. */
export interface Measurement {
  /** What was done: `cold`, `no-op` or `one field`. */
  readonly step: string;
  /** By what. */
  readonly tool: string;
  readonly seconds: number;
  readonly requests: RequestCounts;
}

const COLUMNS = ["step", "tool", "seconds", "writes", "dry runs", "reads"] as const;

/** A table for people: one row a measurement, numbers to the right. */
export function renderTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ step, tool, seconds, requests }) => [
    step,
    tool,
    seconds.toFixed(1),
    String(requests.writes),
    String(requests.dryRuns),
    String(requests.reads),
  ]);
  const widths = COLUMNS.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(COLUMNS), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
