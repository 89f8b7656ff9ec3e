import { BASELINE } from "../../components/lifecycle/gate.ts";
import type { CompressionRecord, GateDecision, Measurement } from "../../components/lifecycle/types.ts";
import { markdownTable } from "./markdown.ts";

/** A candidate, and the baseline as it was measured beside it, in the same process. */
export type MeasuredCandidate = Pick<CompressionRecord, "candidate" | "baseline" | "result">;

const TITLES = ["candidate", "test accuracy", "file", "p50", "p99", "requests/s of one core", "gate"];

/**
 * Every candidate beside the baseline of its own process, and what the gate makes of it; the first row is the baseline of the
 * first.
 */
export function renderCandidates(candidates: readonly MeasuredCandidate[], decision: GateDecision): string {
  const [first] = candidates;
  const rows = candidates.map(({ candidate, baseline, result }) => [
    candidate,
    `${percent(result.testAccuracy)} (${signed(result.testAccuracy / baseline.testAccuracy - 1)})`,
    `${mib(result.bytes)} (${(baseline.bytes / result.bytes).toFixed(2)}x smaller)`,
    `${ms(result.latencyP50Ms)} (${times(result.latencyP50Ms, baseline.latencyP50Ms)})`,
    `${ms(result.latencyP99Ms)} (${times(result.latencyP99Ms, baseline.latencyP99Ms)})`,
    `${result.throughputPerSecond.toFixed(0)} (${times(result.throughputPerSecond, baseline.throughputPerSecond)})`,
    verdict(candidate, decision),
  ]);
  return markdownTable(TITLES, [...(first === undefined ? [] : [baselineRow(first.baseline, decision)]), ...rows]);
}

function baselineRow(baseline: Measurement, decision: GateDecision): string[] {
  return [
    BASELINE,
    percent(baseline.testAccuracy),
    mib(baseline.bytes),
    ms(baseline.latencyP50Ms),
    ms(baseline.latencyP99Ms),
    baseline.throughputPerSecond.toFixed(0),
    verdict(BASELINE, decision),
  ];
}

function verdict(candidate: string, { entries }: GateDecision): string {
  const found = entries.find((each) => each.candidate === candidate);
  return found === undefined ? "" : (found.rejected ?? "chosen");
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}

function signed(fraction: number): string {
  return `${fraction < 0 ? "" : "+"}${percent(fraction)}`;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(3)} ms`;
}

function times(value: number, of: number): string {
  return `${(value / of).toFixed(2)}x`;
}
