// Proves the gate's decision on measurements as given. Does not prove that they are measured well: workloads/tests does.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type CandidateOutcome, decide, type GateInput } from "../../../components/lifecycle/gate.ts";
import type { CompressionRecord, Measurement, ServedVersion } from "../../../components/lifecycle/types.ts";
import { modelOf, stackOf, trainingRecordOf } from "./fixtures.ts";

const stack = stackOf("mail-triage");
const baseline = trainingRecordOf(stack, "mail-triage");
const MEASURED: Measurement = {
  testAccuracy: 0.98,
  testF1: 0.97,
  bytes: 4_000_000,
  parameters: 1000,
  latencyP50Ms: 1,
  latencyP99Ms: 2,
  throughputPerSecond: 500,
  sparsity: 0,
};

function outcome(candidate: string, changes: Partial<Measurement>, own: Partial<Measurement> = {}): CandidateOutcome {
  const version = `mail-triage-compression-${candidate}`;
  const record: CompressionRecord = {
    kind: "compression",
    model: "mail-triage",
    run: version,
    completedAt: "2026-01-03T00:00:00Z",
    seconds: 1,
    artifact: baseline.artifact,
    training: baseline.run,
    candidate,
    baseline: { ...MEASURED, ...own },
    result: { ...MEASURED, ...changes },
  };
  return { candidate, version, record };
}

function serving(testAccuracy: number, dataset = baseline.dataset): ServedVersion {
  const record = {
    ...baseline,
    run: "mail-triage-training-served",
    dataset,
    metrics: { ...baseline.metrics, testAccuracy },
  };
  return { version: record.run, model: modelOf(stack, "mail-triage"), record, training: record };
}

const BASE: GateInput = { baseline, outcomes: [], maxAccuracyDrop: 0.01, objective: "latency" };
const FAST = outcome("fast", { latencyP99Ms: 0.5, throughputPerSecond: 900, testAccuracy: 0.975 });
const SMALL = outcome("small", { bytes: 1_000_000, latencyP99Ms: 1.5, testAccuracy: 0.972 });
const BAD = outcome("bad", { latencyP99Ms: 0.1, bytes: 10, throughputPerSecond: 9000, testAccuracy: 0.97 });

const ROWS: [title: string, input: Partial<GateInput>, chosen: string | undefined, ...says: [string, RegExp][]][] = [
  ["nothing was compressed", {}, "baseline"],
  ["the fastest that is good enough", { outcomes: [FAST, SMALL, BAD] }, "fast", ["bad", /97\.00 % is 1\.02 % below/]],
  ["the smallest", { outcomes: [FAST, SMALL, BAD], objective: "size" }, "small", ["fast", /4\.00 MB; small has 1\.00/]],
  ["the highest throughput", { outcomes: [FAST, SMALL], objective: "throughput" }, "fast", ["small", /500 requests/]],
  ["more is allowed", { outcomes: [FAST, SMALL, BAD], maxAccuracyDrop: 0.02 }, "bad"],
  ["nothing is allowed", { outcomes: [FAST, SMALL], maxAccuracyDrop: 0 }, "baseline"],
  [
    "all are slower",
    { outcomes: [outcome("slow", { latencyP99Ms: 3 })] },
    "baseline",
    ["slow", /3\.00 ms p99; baseline/],
  ],
  [
    "equally good: the first by name",
    { outcomes: [outcome("b", { latencyP99Ms: 1 }), outcome("a", { latencyP99Ms: 1 })] },
    "a",
  ],
  ["equal to the baseline: the baseline, whose name is first", { outcomes: [outcome("same", {})] }, "baseline"],
  ["one run failed", { outcomes: [{ candidate: "x", version: "v", failed: "OOM." }, FAST] }, "fast", ["x", /OOM/]],
  [
    "what serves is much better",
    { outcomes: [FAST], incumbent: serving(1) },
    undefined,
    [
      "baseline",
      /98\.00 % is 2\.00 % below that of mail-triage-training-served, which serves, \(100\.00 %\); 1\.00 % is allowed/,
    ],
    ["fast", /2\.50 % below/],
  ],
  ["what serves is better on another dataset", { outcomes: [FAST], incumbent: serving(1, "other") }, "fast"],
  ["what serves is a little better", { outcomes: [FAST], incumbent: serving(0.984) }, "fast"],
  [
    "a candidate is judged by the baseline of its own process",
    { outcomes: [outcome("drifted", { testAccuracy: 0.94, latencyP99Ms: 1 }, { testAccuracy: 0.94 })] },
    "drifted",
  ],
];

describe("gate", () => {
  for (const [title, input, chosen, ...says] of ROWS) {
    it(`${title}: ${chosen ?? "none"}`, () => {
      const decision = decide({ ...BASE, ...input });
      const entry = decision.entries.find(({ version }) => version === decision.chosen);
      assert.equal(entry?.candidate, chosen);
      for (const [candidate, pattern] of says) {
        assert.match(decision.entries.find((each) => each.candidate === candidate)?.rejected ?? "", pattern);
      }
      assert.ok(decision.entries.every((each) => (each.rejected === undefined) === (each === entry)));
    });
  }

  const number = (max: number) => fc.double({ min: 0, max, noNaN: true });
  const candidates = fc.array(
    fc.record({ testAccuracy: number(1), latencyP99Ms: number(10), bytes: fc.nat(), throughputPerSecond: number(1e4) }),
    { maxLength: 6 },
  );
  const input = fc
    .record({
      measured: candidates,
      drop: number(0.99),
      served: number(1),
      objective: fc.constantFrom("latency" as const, "size" as const, "throughput" as const),
    })
    .map(({ measured, drop, served, objective }): GateInput => {
      const outcomes = measured.map((each, at) => outcome(`c${at}`, each));
      return { ...BASE, outcomes, maxAccuracyDrop: drop, incumbent: serving(served), objective };
    });

  it("never chooses what loses more than is allowed against the baseline or what serves", () => {
    fc.assert(
      fc.property(input, (given) => {
        const { chosen, entries } = decide(given);
        const accuracy = entries.find(({ version }) => version === chosen)?.accuracy;
        const least = (reference: number) => reference * (1 - given.maxAccuracyDrop) - 1e-9;
        assert.ok(accuracy === undefined || accuracy >= least(MEASURED.testAccuracy));
        assert.ok(accuracy === undefined || accuracy >= least(given.incumbent?.training.metrics.testAccuracy ?? 0));
      }),
    );
  });

  it("chooses none only where every one is rejected for its accuracy", () => {
    fc.assert(
      fc.property(input, (given) => {
        const { chosen, entries } = decide(given);
        assert.equal(
          chosen === undefined,
          entries.every(({ rejected }) => rejected?.includes("below") === true),
        );
      }),
    );
  });

  it("does not depend on the order of the candidates", () => {
    fc.assert(
      fc.property(input, (given) => {
        const reversed = { ...given, outcomes: [...given.outcomes].reverse() };
        assert.equal(decide(reversed).chosen, decide(given).chosen);
      }),
    );
  });
});
