import assert from "node:assert/strict";
import fc from "fast-check";
import { curveOf, median, medianCurve, type Trial, trialsToReach } from "../../scripts/bench/curves.ts";

const trial = (number: number, state: string, value?: number, epochs = 1): Trial => ({
  trial: number,
  state,
  values: value === undefined ? [] : [value],
  epochs: Object.fromEntries(Array.from({ length: epochs }, (_, at) => [String(at + 1), 1])),
});

const never = Number.POSITIVE_INFINITY;

describe("curveOf", () => {
  it("counts pruned trials, which lower nothing, and leaves out those that did not end", () => {
    const curve = curveOf([
      trial(0, "pruned", undefined, 2),
      trial(2, "interrupted"),
      trial(1, "completed", 0.5, 6),
      trial(4, "completed", 0.9, 6),
      trial(3, "failed", undefined, 3),
      trial(5, "completed", 0.2, 6),
    ]);
    assert.deepEqual(curve, { best: [never, 0.5, 0.5, 0.2], pruned: 1, epochs: 24 });
  });

  it("falls at every step or stays, in the order of the trials", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true })), (values) => {
        const trials = values.map((value, at) => trial(at, "completed", value));
        const { best } = curveOf(trials.toReversed());
        assert.equal(best.length, values.length);
        assert.ok(best.every((value, at) => at === 0 || value <= best[at - 1]!));
        if (values.length > 0) assert.equal(best.at(-1), Math.min(...values));
      }),
    );
  });
});

describe("median", () => {
  it("is the middle, or between the two in the middle", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(median([10, 9, 2]), 9, "by size, not as text");
    assert.equal(median([never, 1, never]), never);
    assert.equal(median([never, never]), never);
    assert.throws(() => median([]), RangeError);
  });
});

describe("medianCurve", () => {
  it("is the median of each trial, as far as all curves go", () => {
    assert.deepEqual(
      medianCurve([
        [3, 3, 1],
        [5, 1, 1, 0],
        [4, 2, 2],
      ]),
      [4, 2, 1],
    );
  });
});

describe("trialsToReach", () => {
  it("counts from 1, and knows of curves that never get there", () => {
    assert.equal(trialsToReach([3, 2, 2, 1], 2), 2);
    assert.equal(trialsToReach([1], 1), 1);
    assert.equal(trialsToReach([never, 3], 2), undefined);
  });
});
