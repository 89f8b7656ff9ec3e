import assert from "node:assert/strict";
import type { RolloutRecord } from "../../components/lifecycle/types.ts";
import { judgementOf, renderJudgements } from "../../scripts/bench/canary-table.ts";

function step(number: number, verdict: RolloutRecord["verdict"], done: string, more: object = {}): RolloutRecord {
  const evidence = {
    candidate: { liveRequests: 10, liveErrors: 1 },
    stable: { liveRequests: 40, liveErrors: 0 },
    agreement: 1,
  };
  const base = { kind: "rollout", seconds: 12.5, weight: [20, 50][number], reasons: [] };
  return { ...base, step: number, verdict, completedAt: done, evidence, ...more } as unknown as RolloutRecord;
}

const FIRST = step(0, "advance", "2026-01-01T00:00:20Z");
const SECOND = step(1, "promote", "2026-01-01T00:00:50Z");

describe("judgementOf", () => {
  it("goes from the beginning of the first step to the verdict, whatever the order of the records", () => {
    const judgement = judgementOf("good", [SECOND, FIRST], { requests: 300, failures: ["a"] });
    assert.deepEqual(judgement, {
      version: "good",
      verdict: "promoted",
      reasons: [],
      weights: [20, 50],
      seconds: 42.5,
      requests: 300,
      failed: 1,
      stable: { requests: 80, failed: 0 },
      candidate: { requests: 20, failed: 2 },
    });
  });

  it("takes a rollback in the first step, with its reasons", () => {
    const back = step(0, "rollback", "2026-01-01T00:00:20Z", { reasons: ["it is slow"] });
    const judgement = judgementOf("slow", [back], { requests: 100, failures: [] });
    assert.equal(judgement.verdict, "rolled back");
    assert.equal(judgement.seconds, 12.5);
    const text = renderJudgements([judgement], 5);
    assert.match(text, /\| slow +\| +rolled back \| +20 % \| +13 \| +0 of 100 \| +0 of 40 \| +1 of 10 \|/);
    assert.match(text, /slow: it is slow/);
  });

  it("refuses a rollout that is not finished, or whose steps are not all there", () => {
    for (const steps of [[], [FIRST], [SECOND], [FIRST, SECOND, FIRST]]) {
      assert.throws(() => judgementOf("odd", steps, { requests: 1, failures: [] }), RangeError);
    }
  });
});
