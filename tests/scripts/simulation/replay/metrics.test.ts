import assert from "node:assert/strict";
import fc from "fast-check";
import { Meter, meansOf, type Sample, thinned, waitsOf } from "../../../../scripts/simulation/replay/metrics.ts";
import type { TracePod } from "../../../../scripts/simulation/replay/trace.ts";

const sample = (seconds: number, usedGpus: number, fragmentedGpus = 0, freeNodes = 0): Sample => ({
  seconds,
  usedGpus,
  fragmentedGpus,
  freeNodes,
  waitingPods: 0,
});

describe("means of a replay", () => {
  it("weigh each state by how long it lasted", () => {
    // Of 4 GPUs: 10 s all in use, 30 s one, of whose three free ones 1.5 are of no use.
    const samples = [sample(0, 4), sample(10, 1, 1.5, 2), sample(40, 0, 0, 2)];
    assert.deepEqual(meansOf(samples, 4, 0, 40), {
      fromSeconds: 0,
      toSeconds: 40,
      allocation: (4 * 10 + 1 * 30) / 160,
      fragmentation: (1.5 * 30) / (160 - 70),
      fragmentedGpus: (1.5 * 30) / 40,
      freeNodes: (2 * 30) / 40,
    });
  });

  it("take only the stretch that is asked for, and hold the last state to its end", () => {
    const { allocation } = meansOf([sample(0, 4), sample(10, 2)], 4, 5, 20);
    assert.equal(allocation, (4 * 5 + 2 * 10) / (4 * 15));
  });

  it("are 0 of no time and of no GPUs", () => {
    assert.equal(meansOf([sample(5, 1)], 4, 5, 5).allocation, 0);
    assert.equal(meansOf([sample(0, 0)], 0, 0, 5).fragmentation, 0);
  });
});

describe("a meter", () => {
  it("measures a replay by hand", () => {
    const pod = (name: string, arrivalSeconds: number, gpuMilli: number): TracePod => ({
      name,
      cpuMilli: 0,
      memoryMiB: 0,
      gpuMilli,
      gpuModels: [],
      arrivalSeconds,
      durationSeconds: 10,
    });
    const [one, two, never] = [pod("one", 0, 1000), pod("two", 10, 2000), pod("never", 10, 9000)];
    const node = { name: "n", cpuMilli: 1, memoryMiB: 1, gpus: 2, gpuModel: "A" };
    const meter = new Meter({ nodes: [node], pods: [one, two, never] });
    meter.observe({ seconds: 0, finished: [], placed: [{ pod: one, node: "n" }], waiting: 0 });
    meter.observe({ seconds: 10, finished: [one], placed: [{ pod: two, node: "n" }], waiting: 1 });
    meter.observe({ seconds: 20, finished: [two], placed: [], waiting: 1 });
    const result = meter.result({
      waits: new Map([
        ["one", 0],
        ["two", 0],
      ]),
      unplaced: [never],
    });
    assert.deepEqual(result.unschedulablePods, ["never"]);
    assert.equal(result.busy.allocation, 0.5);
    assert.equal(result.whole.allocation, 0.75);
    // One GPU is free for 10 s: of use to the first of three kinds of pods only.
    assert.ok(Math.abs(result.busy.fragmentation - 2 / 3) < 1e-6);
    assert.equal(result.samples.length, 3);
  });
});

describe("waits", () => {
  it("are percentiles by the nearest rank", () => {
    const seconds = Array.from({ length: 100 }, (_, at) => 100 - at);
    assert.deepEqual(waitsOf(seconds), { p50: 50, p95: 95, max: 100, mean: 50.5 });
    assert.deepEqual(waitsOf([7]), { p50: 7, p95: 7, max: 7, mean: 7 });
    assert.deepEqual(waitsOf([]), { p50: 0, p95: 0, max: 0, mean: 0 });
  });
});

describe("thinned samples", () => {
  it("keep the integral of what they stand for", () => {
    const drawn = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(8)), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 20 }), (rows, count) => {
        let seconds = 0;
        const samples = rows.map(([length, used]) => {
          seconds += length;
          return sample(seconds, used);
        });
        const [first, last] = [samples[0]!.seconds, samples.at(-1)!.seconds];
        const thin = thinned(samples, count);
        assert.ok(thin.length <= Math.max(count, 1) || thin.length === samples.length);
        const before = meansOf(samples, 8, first, last).allocation;
        const after = meansOf(thin, 8, first, last).allocation;
        assert.ok(Math.abs(before - after) < 1e-9, `${before} ${after}`);
      }),
    );
  });
});
