import assert from "node:assert/strict";
import type { GateDecision } from "../../components/lifecycle/types.ts";
import { type MeasuredCandidate, renderCandidates } from "../../scripts/bench/compression-table.ts";
import { markdownTable } from "../../scripts/bench/markdown.ts";
import { compare, plotOf, renderComparison } from "../../scripts/bench/search-comparison.ts";
import { gridOf, type Space } from "../../scripts/bench/search-space.ts";

describe("markdownTable", () => {
  it("pads its columns, the first to the left", () => {
    assert.equal(
      markdownTable(["what", "n"], [["a", "1"], ["longer"]]),
      ["| what   |   n |", "| ------ | --: |", "| a      |   1 |", "| longer |     |"].join("\n"),
    );
  });
});

describe("gridOf", () => {
  const space: Space = {
    rate: { kind: "float", low: 0.0001, high: 1, log: true },
    drop: { kind: "float", low: 0, high: 0.8 },
    size: { kind: "integer", low: 2, high: 32, log: true },
    batch: { kind: "categorical", choices: [16, 32, 64, 128] },
  };

  it("takes the middles of equal parts, each parameter on its own scale", () => {
    assert.deepEqual(gridOf(space, { rate: 2, drop: 2, size: 2, batch: 2 }), {
      rate: { kind: "categorical", choices: [0.001, 0.1] },
      drop: { kind: "categorical", choices: [0.2, 0.6] },
      size: { kind: "categorical", choices: [4, 16] },
      batch: { kind: "categorical", choices: [32, 128] },
    });
  });

  it("wants a number of values for every parameter", () => {
    assert.throws(() => gridOf(space, { rate: 2 }), /no number of values for drop/);
  });
});

describe("compare", () => {
  const curve = (...best: number[]) => ({ best, pruned: 1, epochs: 10 });
  const searches = [
    { algorithm: "tpe", pruner: "median", curves: [curve(5, 1, 1), curve(4, 3, 3), curve(9, 2, 0)] },
    { algorithm: "random", pruner: "none", curves: [curve(5, 4, 2), curve(4, 4, 2), curve(9, 9, 3)] },
    { algorithm: "grid", pruner: "none", curves: [curve(9, 8), curve(9, 8), curve(9, 8)] },
  ];
  const comparison = compare(searches, "random");

  it("holds medians against the reference's final median, and each seed against its own", () => {
    const [tpe, random, grid] = comparison.summaries;
    assert.equal(comparison.goal, 2);
    assert.deepEqual(tpe?.median, [5, 2, 1]);
    assert.equal(tpe?.trialsToGoal, 2);
    assert.deepEqual(tpe?.trialsToGoalBySeed, [2, null, 2]);
    assert.equal(random?.trialsToGoal, 3);
    assert.deepEqual(random?.trialsToGoalBySeed, [3, 3, 3]);
    assert.equal(grid?.trialsToGoal, null);
  });

  it("is told as a table, where what was never reached says so", () => {
    const rows = renderComparison(comparison).split("\n");
    assert.match(rows[0]!, /the median of 3 seeds; random's best is 2\.0000/);
    assert.match(rows.find((row) => row.startsWith("| tpe + median pruner"))!, /\| +1\.0000 \| +2 \| +2, never, 2 \|/);
    assert.match(rows.find((row) => row.startsWith("| grid"))!, /\| +\| +never \| +never, never, never \|/);
  });

  it("is plotted by trial, counted from 1", () => {
    assert.deepEqual(
      plotOf(comparison).series.map(({ name, points }) => [name, points[0]]),
      [
        ["tpe + median pruner", [1, 5]],
        ["random", [1, 5]],
        ["grid", [1, 9]],
      ],
    );
  });

  it("needs the reference among them", () => {
    assert.throws(() => compare(searches, "cmaes"), /nobody searched by cmaes/);
  });
});

describe("renderCandidates", () => {
  const measured = (accuracy: number, bytes: number, speed: number) => ({
    testAccuracy: accuracy,
    testF1: accuracy,
    bytes,
    parameters: bytes,
    sparsity: 0,
    latencyP50Ms: 1 / speed,
    latencyP99Ms: 2 / speed,
    throughputPerSecond: 1000 * speed,
  });
  const candidate: MeasuredCandidate = {
    candidate: "int8",
    baseline: measured(0.98, 4 * 2 ** 20, 1),
    result: measured(0.97, 2 ** 20, 1.25),
  };

  const decision: GateDecision = {
    chosen: "run-int8",
    entries: [
      { candidate: "baseline", version: "run", rejected: "int8 is faster" },
      { candidate: "int8", version: "run-int8" },
    ],
  };

  it("has the baseline first, every candidate relative to its own, and the gate's verdicts", () => {
    const cells = renderCandidates([candidate], decision)
      .split("\n")
      .slice(2)
      .map((row) => row.split("|").map((cell) => cell.trim()));
    assert.deepEqual(cells, [
      ["", "baseline", "98.00 %", "4.00 MiB", "1.000 ms", "2.000 ms", "1000", "int8 is faster", ""],
      [
        "",
        "int8",
        "97.00 % (-1.02 %)",
        "1.00 MiB (4.00x smaller)",
        "0.800 ms (0.80x)",
        "1.600 ms (0.80x)",
        "1250 (1.25x)",
        "chosen",
        "",
      ],
    ]);
  });

  it("says nothing of nothing but the titles", () => {
    assert.equal(renderCandidates([], { entries: [] }).split("\n").length, 2);
  });
});
