import assert from "node:assert/strict";
import fc from "fast-check";
import { type Moment, type Placer, replay } from "../../../../scripts/simulation/replay/clock.ts";
import { inOrder, type TracePod } from "../../../../scripts/simulation/replay/trace.ts";

const pod = (name: string, arrivalSeconds: number, durationSeconds: number, gpuMilli = 1000): TracePod => ({
  name,
  cpuMilli: 0,
  memoryMiB: 0,
  gpuMilli,
  gpuModels: [],
  arrivalSeconds,
  durationSeconds,
});

/** One node, first come first served, that holds back whoever does not fit. */
class FirstComeFirstServed implements Placer {
  #free: number;
  #waiting: TracePod[] = [];

  constructor(milli: number) {
    this.#free = milli;
  }

  async add(pods: readonly TracePod[]) {
    this.#waiting.push(...pods);
  }

  async remove(pods: readonly TracePod[]) {
    for (const { gpuMilli } of pods) this.#free += gpuMilli;
  }

  async settle() {
    const placed = this.#waiting.filter(({ gpuMilli }) => {
      const fits = gpuMilli <= this.#free;
      if (fits) this.#free -= gpuMilli;
      return fits;
    });
    this.#waiting = this.#waiting.filter((each) => !placed.includes(each));
    return placed.map(({ name }) => ({ name, node: "n" }));
  }
}

async function run(pods: readonly TracePod[], milli: number, stepSeconds = 0) {
  const moments: Moment[] = [];
  const result = await replay(
    { pods: inOrder(pods) },
    new FirstComeFirstServed(milli),
    (moment) => moments.push(moment),
    {
      stepSeconds,
    },
  );
  return { ...result, moments };
}

describe("replay", () => {
  it("goes from moment to moment, and frees what ends before it places what arrives", async () => {
    const { waits, unplaced, moments } = await run([pod("a", 0, 10), pod("b", 3, 5), pod("c", 10, 1)], 1000);
    assert.deepEqual(
      moments.map(({ seconds, finished, placed, waiting }) => [
        seconds,
        finished.map(({ name }) => name).join(),
        placed.map((each) => each.pod.name).join(),
        waiting,
      ]),
      [
        [0, "", "a", 0],
        [3, "", "", 1],
        [10, "a", "b", 1],
        [15, "b", "c", 0],
        [16, "c", "", 0],
      ],
    );
    assert.deepEqual(
      [...waits],
      [
        ["a", 0],
        ["b", 7],
        ["c", 5],
      ],
    );
    assert.deepEqual(unplaced, []);
  });

  it("ends though a pod never finds room, and names it", async () => {
    const { unplaced } = await run([pod("a", 0, 10), pod("huge", 1, 1, 9000)], 1000);
    assert.deepEqual(
      unplaced.map(({ name }) => name),
      ["huge"],
    );
  });

  it("puts what happens within a step at its end, and counts waits from the arrival", async () => {
    const { waits, moments } = await run([pod("a", 1, 10), pod("b", 9, 10), pod("c", 11, 1)], 9000, 10);
    assert.deepEqual(
      moments.map(({ seconds }) => seconds),
      [10, 20, 30],
    );
    assert.deepEqual(
      [...waits],
      [
        ["a", 9],
        ["b", 1],
        ["c", 9],
      ],
    );
  });

  it("ends when it is told to", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(
      replay({ pods: [pod("a", 0, 1)] }, new FirstComeFirstServed(1000), () => {}, { signal }),
      /enough/,
    );
  });

  it("places every pod that fits alone exactly once, in the order of time", async () => {
    const drawn = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 30 }), fc.nat(3000)), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(drawn, fc.constantFrom(0, 7), async (rows, step) => {
        const pods = rows.map(([arrival, length, milli], at) => pod(`p-${at}`, arrival, length, milli));
        const { waits, unplaced, moments } = await run(pods, 2000, step);
        const fits = pods.filter(({ gpuMilli }) => gpuMilli <= 2000);
        assert.deepEqual([...waits.keys()].sort(), fits.map(({ name }) => name).sort());
        assert.equal(unplaced.length, pods.length - fits.length);
        assert.ok([...waits.values()].every((wait) => wait >= 0));
        const times = moments.map(({ seconds }) => seconds);
        assert.deepEqual(
          times,
          [...new Set(times)].sort((a, b) => a - b),
        );
        assert.equal(moments.flatMap(({ finished }) => finished).length, fits.length);
      }),
    );
  });
});
