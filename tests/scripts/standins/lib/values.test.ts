import assert from "node:assert/strict";
import fc from "fast-check";
import {
  equal,
  hasUnknown,
  type Json,
  plain,
  secret,
  secretStrings,
  UNKNOWN,
} from "../../../../scripts/standins/lib/values.ts";

const json = fc.jsonValue() as fc.Arbitrary<Json>;

describe("Pulumi's values on the wire", () => {
  it("finds and removes secrets at any depth", () => {
    const value = { a: [secret("hush")], b: { c: secret({ d: "deep", e: 1 }) }, f: "open" };
    assert.deepEqual(plain(value), { a: ["hush"], b: { c: { d: "deep", e: 1 } }, f: "open" });
    assert.deepEqual(secretStrings(value).sort(), ["deep", "hush"]);
  });

  it("sees what is unknown, also in an output without a value", () => {
    const output = { "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4" };
    assert.ok(hasUnknown({ a: [UNKNOWN] }));
    assert.ok(hasUnknown({ a: output }));
    assert.equal(plain(output), UNKNOWN);
    assert.equal(plain({ ...output, value: "known" }), "known");
    assert.ok(!hasUnknown({ a: { ...output, value: "known" } }));
  });

  it("leaves ordinary values as they are", () => {
    fc.assert(
      fc.property(json, (value) => {
        assert.deepEqual(plain(value), value);
        assert.deepEqual(plain(secret(value)), value);
        assert.ok(equal(value, structuredClone(value)));
      }),
    );
  });

  it("compares without regard to the order of keys, but not of items", () => {
    assert.ok(equal({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }));
    assert.ok(!equal({ a: [1, 2] }, { a: [2, 1] }));
    assert.ok(!equal({ a: 1 }, { a: 1, b: null }));
  });
});
