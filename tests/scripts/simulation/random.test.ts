import assert from "node:assert/strict";
import fc from "fast-check";
import { seededRandom } from "../../../scripts/simulation/random.ts";

const DRAWS = 20_000;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const drawn = (draw: () => number) => Array.from({ length: DRAWS }, draw);

describe("seeded random numbers", () => {
  it("are the same for the same seed and purpose, others for another", () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), (seed, purpose) => {
        const draws = (of: string, by = seed) => {
          const random = seededRandom(by, of);
          return Array.from({ length: 8 }, () => random.uniform());
        };
        assert.deepEqual(draws(purpose), draws(purpose));
        assert.notDeepEqual(draws(purpose), draws(`${purpose}+`));
        assert.notDeepEqual(draws(purpose), draws(purpose, seed + 1));
        assert.ok(draws(purpose).every((value) => value >= 0 && value < 1));
      }),
    );
  });

  it("have the mean and the spread that was asked for", () => {
    const random = seededRandom(1, "moments");
    const uniform = drawn(() => random.uniform());
    assert.ok(Math.abs(mean(uniform) - 0.5) < 0.01, String(mean(uniform)));
    // The deviation of the mean of so many draws is 1 % of 50 times 1/sqrt(200), a little below one percent.
    const exponential = drawn(() => random.exponential(50));
    assert.ok(Math.abs(mean(exponential) - 50) < 2, String(mean(exponential)));
    assert.ok(exponential.every((value) => value >= 0));
    const logs = drawn(() => random.logNormal(600, 1.8)).map(Math.log);
    assert.ok(Math.abs(mean(logs) - Math.log(600)) < 0.06);
    const spread = Math.sqrt(mean(logs.map((value) => (value - mean(logs)) ** 2)));
    assert.ok(Math.abs(spread - 1.8) < 0.05, String(spread));
  });

  it("pick each choice as often as its weight, and never one of weight 0", () => {
    const random = seededRandom(2);
    const choices = [
      { name: "a", weight: 3 },
      { name: "never", weight: 0 },
      { name: "b", weight: 1 },
    ];
    const names = Array.from({ length: DRAWS }, () => random.pick(choices).name);
    const share = (name: string) => names.filter((each) => each === name).length / DRAWS;
    assert.ok(Math.abs(share("a") - 0.75) < 0.02);
    assert.equal(share("never"), 0);
    assert.throws(() => random.pick([]), RangeError);
  });
});
