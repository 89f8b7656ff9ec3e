import type { RolloutRecord } from "../../components/lifecycle/types.ts";
import { markdownTable } from "./markdown.ts";

/** What became of one version on trial. */
export interface Judgement {
  readonly version: string;
  readonly verdict: "promoted" | "rolled back";
  readonly reasons: readonly string[];
  /** Percent of the requests in each step that was judged. */
  readonly weights: readonly number[];
  /** From the beginning of its first step to the end of its last, the rounds of `pulumi up` in between included. */
  readonly seconds: number;
  /** Of users, from before the change of the stack to after the verdict; a request that failed at a version may have been answered by the other. */
  readonly requests: number;
  readonly failed: number;
  /** What the router counted at each version while it was tried. */
  readonly stable: { readonly requests: number; readonly failed: number };
  readonly candidate: { readonly requests: number; readonly failed: number };
}

/**
 * Reads a version's verdict from the records of its rollout's steps.
 *
 * @throws RangeError where the steps are not those of one version whose last one decides
 */
export function judgementOf(
  version: string,
  steps: readonly RolloutRecord[],
  sent: { readonly requests: number; readonly failures: readonly string[] },
): Judgement {
  const ordered = [...steps].sort((a, b) => a.step - b.step);
  const last = ordered.at(-1);
  if (last === undefined || last.verdict === "advance" || ordered.some((each, at) => each.step !== at)) {
    const found = ordered.map(({ step, verdict }) => `${step} ${verdict}`).join(", ");
    throw new RangeError(`the steps of "${version}" are no finished rollout: ${found || "none"}`);
  }
  const began = Math.min(...ordered.map(({ completedAt, seconds }) => Date.parse(completedAt) - seconds * 1000));
  const sum = (count: (step: RolloutRecord) => number) => ordered.reduce((all, step) => all + count(step), 0);
  return {
    version,
    verdict: last.verdict === "promote" ? "promoted" : "rolled back",
    reasons: last.reasons,
    weights: ordered.map(({ weight }) => weight),
    seconds: (Date.parse(last.completedAt) - began) / 1000,
    requests: sent.requests,
    failed: sent.failures.length,
    stable: {
      requests: sum(({ evidence }) => evidence.stable?.liveRequests ?? 0),
      failed: sum(({ evidence }) => evidence.stable?.liveErrors ?? 0),
    },
    candidate: {
      requests: sum(({ evidence }) => evidence.candidate.liveRequests),
      failed: sum(({ evidence }) => evidence.candidate.liveErrors),
    },
  };
}

export function renderJudgements(judgements: readonly Judgement[], requestsPerSecond: number): string {
  const rows = judgements.map((each) => [
    each.version,
    each.verdict,
    each.weights.map((weight) => `${weight} %`).join(", "),
    each.seconds.toFixed(0),
    `${each.failed} of ${each.requests}`,
    `${each.stable.failed} of ${each.stable.requests}`,
    `${each.candidate.failed} of ${each.candidate.requests}`,
  ]);
  return [
    `At ${requestsPerSecond} requests/s, sent whether or not those before were answered:`,
    "",
    markdownTable(
      ["version", "verdict", "steps", "seconds to it", "failed", "at the stable version", "at the one on trial"],
      rows,
    ),
    ...judgements.flatMap(({ version, reasons }) => reasons.map((reason) => `\n${version}: ${reason}`)),
  ].join("\n");
}
