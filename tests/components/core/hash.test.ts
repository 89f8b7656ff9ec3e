import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson, hashOf, shortHash } from "../../../components/core/hash.ts";

describe("hashes", () => {
  it("do not depend on the order of keys, at any depth", () => {
    assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (value === null || typeof value !== "object") return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, reversed(member)]),
      );
    };
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(hashOf(value), hashOf(reversed(value)))));
  });

  it("depend on the order of lists", () => {
    assert.notEqual(hashOf([1, 2]), hashOf([2, 1]));
  });

  it("are the SHA-256 of the canonical text", () => {
    assert.equal(hashOf({}), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    assert.equal(shortHash({}), "44136fa355");
  });
});
