import assert from "node:assert/strict";
import type { PlacementKind } from "../../../../components/compute/scheduler-profile.ts";
import { replay } from "../../../../scripts/simulation/replay/clock.ts";
import { Meter } from "../../../../scripts/simulation/replay/metrics.ts";
import { SchedulerUnderReplay } from "../../../../scripts/simulation/replay/scheduler.ts";
import type { Trace, TracePod } from "../../../../scripts/simulation/replay/trace.ts";

/**
 * Traces against a real API server and scheduler. What is not proved: that they come to the same on every run, since of nodes
 * that score alike the scheduler draws one.
 */

const pod = (name: string, gpuMilli: number, more: Partial<TracePod> = {}): TracePod => ({
  name,
  cpuMilli: 1000,
  memoryMiB: 1024,
  gpuMilli,
  gpuModels: [],
  arrivalSeconds: 0,
  durationSeconds: 3600,
  ...more,
});

const node = (name: string, gpuModel = "H100") => ({
  name,
  cpuMilli: 96_000,
  memoryMiB: 393_216,
  gpus: 8,
  gpuModel,
});

async function replayed(placement: PlacementKind, trace: Trace) {
  const scheduler = await SchedulerUnderReplay.start(placement, trace.nodes, () => {});
  try {
    const meter = new Meter(trace);
    const result = await replay(trace, scheduler, (moment) => meter.observe(moment));
    return { ...meter.result(result), waits: result.waits, speed: await scheduler.speed() };
  } finally {
    await scheduler.stop();
  }
}

describe("a trace replayed against the scheduler", () => {
  const nodes = Array.from({ length: 20 }, (_, at) => node(`n-${at}`));
  const fifty: Trace = { nodes, pods: Array.from({ length: 50 }, (_, at) => pod(`p-${at}`, 1000)) };

  it("places all of 50 pods, on every node of 20 by default and on seven when it packs", async () => {
    const [spread, pack] = await Promise.all([replayed("spread", fifty), replayed("pack", fifty)]);
    for (const result of [spread, pack]) {
      assert.equal(result.placedPods, 50);
      assert.deepEqual(result.unschedulablePods, []);
      assert.deepEqual(result.waitSeconds, { p50: 0, p95: 0, max: 0, mean: 0 });
      assert.equal(result.whole.allocation, 50 / 160);
      assert.equal(result.speed.attempts, 50);
    }
    assert.equal(spread.whole.freeNodes, 0);
    assert.equal(pack.whole.freeNodes, 20 - Math.ceil(50 / 8));
  });

  it("lets a pod wait until there is room, and names one that never finds any", async () => {
    const result = await replayed("pack", {
      nodes: [node("a"), node("b", "T4")],
      pods: [
        pod("first", 8000, { durationSeconds: 100, gpuModels: ["H100"] }),
        pod("part", 500, { gpuModels: ["T4"] }),
        pod("second", 8000, { arrivalSeconds: 10, durationSeconds: 50, gpuModels: ["H100", "V100"] }),
        pod("third", 1000, { arrivalSeconds: 20, durationSeconds: 1, gpuModels: ["H100"] }),
        pod("nowhere", 9000, { arrivalSeconds: 30 }),
      ],
    });
    assert.deepEqual(result.unschedulablePods, ["nowhere"]);
    assert.equal(result.waits.get("first"), 0);
    // When the first has ended, the others are tried in an order of the scheduler's own.
    const waits = [result.waits.get("second"), result.waits.get("third")];
    assert.ok(["90,130", "91,80"].includes(String(waits)), String(waits));
  });
});
