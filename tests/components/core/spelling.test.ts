import assert from "node:assert/strict";
import fc from "fast-check";
import { editDistance, nearest } from "../../../components/core/spelling.ts";

describe("spelling", () => {
  it("measures distance as a metric does", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
        assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
      }),
    );
    assert.equal(editDistance("memroy", "memory"), 1);
  });

  for (const [written, meant] of [
    ["h100", "h100"],
    ["H-100", "h100"],
    ["h200x", "h200"],
    ["gaudi3", undefined],
    ["h".repeat(10_000), undefined],
    ["", undefined],
  ] as const) {
    it(`finds ${meant ?? "nothing"} near ${JSON.stringify(written.slice(0, 10))}`, () => {
      assert.equal(nearest(written, ["h100", "h200", "a100-40gb"]), meant);
    });
  }
});
