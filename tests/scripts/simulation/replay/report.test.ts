import assert from "node:assert/strict";
import type { ReplayMetrics } from "../../../../scripts/simulation/replay/metrics.ts";
import { duration, jsonOf, type ProfileResult, plotOf, tableOf } from "../../../../scripts/simulation/replay/report.ts";

const means = {
  fromSeconds: 0,
  toSeconds: 7200,
  allocation: 0.5,
  fragmentation: 0.25,
  fragmentedGpus: 2,
  freeNodes: 3,
};
const metrics: ReplayMetrics = {
  gpus: 16,
  pods: 10,
  placedPods: 9,
  unschedulablePods: ["huge"],
  straddlingPods: 1,
  busy: means,
  whole: { ...means, toSeconds: 9000, allocation: 0.4 },
  waitSeconds: { p50: 0, p95: 119, max: 7300, mean: 50 },
  samples: Array.from({ length: 1000 }, (_, at) => ({
    seconds: at * 9,
    usedGpus: 8,
    fragmentedGpus: 2,
    freeNodes: 3,
    waitingPods: 0,
  })),
};
const result = (profile: string): ProfileResult => ({
  profile,
  metrics,
  speed: { attempts: 20, attemptMilliseconds: 1.5, workingSeconds: 3 },
});
const facts = { source: "a trace", nodes: 2, gpus: 16, pods: 10, stepSeconds: 10 };

describe("the report of a replay", () => {
  it("is a table, a column a profile", () => {
    const table = tableOf(facts, [result("default"), result("pack")]);
    assert.match(table, /^a trace: 2 nodes with 16 GPUs, 10 pods, in steps of 10 s\n +default +pack\n/);
    for (const row of [
      /GPU allocation +50\.0 % +50\.0 %/,
      /GPU allocation +40\.0 %/,
      /p95 +119 s/,
      /longest +2\.0 h/,
    ]) {
      assert.match(table, row);
    }
    assert.match(table, /pods never placed +1 +1/);
    assert.match(table, /pods a second, this machine +3\.0/);
  });

  it("is one JSON object, with the samples thinned", () => {
    const json = JSON.parse(JSON.stringify(jsonOf(facts, [result("pack")])));
    assert.equal(json.profiles[0].busy.allocation, 0.5);
    assert.equal(json.profiles[0].scheduler.podsPerSecond, 3);
    assert.deepEqual(json.profiles[0].unschedulablePods, ["huge"]);
    assert.equal(json.profiles[0].samples.length, 240);
  });

  it("is a plot of the time in which pods arrive, two lines a profile", () => {
    const svg = plotOf(facts, [result("default"), result("pack")]);
    for (const text of ["allocated, default", "fragmented, default", "allocated, pack", "fragmented, pack"]) {
      assert.ok(svg.includes(text), text);
    }
    assert.doesNotMatch(svg, /NaN/);
  });

  it("shows durations by the unit that suits them", () => {
    assert.deepEqual([0, 119.4, 120, 7199, 7200].map(duration), ["0 s", "119 s", "2.0 min", "120.0 min", "2.0 h"]);
  });
});
