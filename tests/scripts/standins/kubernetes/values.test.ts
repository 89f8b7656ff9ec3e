import assert from "node:assert/strict";
import fc from "fast-check";
import {
  at,
  changesBetween,
  equal,
  formatPath,
  isObject,
  isWithin,
  type Json,
  type JsonObject,
  type Path,
  parsePath,
  withoutValue,
  withValue,
} from "../../../../scripts/standins/kubernetes/values.ts";

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const object = json.filter(isObject);

/** What `changes` say, done to `before`. */
function applied(before: JsonObject, after: JsonObject, paths: readonly Path[]): JsonObject {
  return paths.reduce<JsonObject>((result, path) => {
    const value = at(after, ...path);
    return value === undefined ? withoutValue(result, path) : withValue(result, path, value);
  }, before);
}

describe("values", () => {
  it("finds no change between equal values, and some between others", () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        assert.equal(changesBetween(left, right).length === 0, equal(left, right));
        assert.deepEqual(changesBetween(left, structuredClone(left)), []);
      }),
    );
  });

  for (const key of ["__proto__", "toString", "constructor"]) {
    it(`takes ${key} for a key like any other`, () => {
      const before = JSON.parse(`{"a": {"b": 1}}`) as JsonObject;
      const after = JSON.parse(`{"a": {"b": 1, "${key}": 2}}`) as JsonObject;
      assert.deepEqual(changesBetween(before, after), [{ path: ["a", key], kind: "add" }]);
      assert.deepEqual(changesBetween(after, before), [{ path: ["a", key], kind: "delete" }]);
      assert.ok(equal(withValue(before, ["a", key], 2), after));
      assert.ok(equal(withoutValue(after, ["a", key]), before));
    });
  }

  it("names changes that, done to the one, give the other (objects only: list positions shift)", () => {
    const flat = fc.dictionary(fc.string({ minLength: 1 }), fc.dictionary(fc.string({ minLength: 1 }), fc.integer()));
    fc.assert(
      fc.property(flat, flat, (before, after) => {
        const paths = changesBetween(before, after).map(({ path }) => path);
        assert.ok(equal(applied(before, after, paths), after));
      }),
    );
  });

  for (const key of ["\\\\ ", '\\\\"', "\\.", "a\nb.", '"', "\\"]) {
    it(`reads the key ${JSON.stringify(key)} as it wrote it`, () => {
      assert.deepEqual(parsePath(formatPath(["a", key])), ["a", key]);
    });
  }

  it("reads every path it writes", () => {
    const step = fc.oneof(
      fc.nat(),
      fc.string({ minLength: 1 }).filter((text) => text !== "*"),
    );
    fc.assert(fc.property(fc.array(step), (path) => assert.deepEqual(parsePath(formatPath(path)), path)));
  });

  it("writes paths as Pulumi does", () => {
    assert.equal(formatPath(["spec", "containers", 0, "image"]), "spec.containers[0].image");
    assert.equal(
      formatPath(["metadata", "annotations", "pulumi.com/skipAwait"]),
      'metadata.annotations["pulumi.com/skipAwait"]',
    );
  });

  it("matches wildcards and whole steps only", () => {
    assert.ok(isWithin(["a", 0, "b"], parsePath("a[*].b")));
    assert.ok(!isWithin(["ab"], parsePath("a")));
    assert.ok(!isWithin(["a"], parsePath("a.b")));
  });

  it("never changes what it was given", () => {
    fc.assert(
      fc.property(object, (value) => {
        const copy = structuredClone(value);
        for (const key of Object.keys(value)) {
          withValue(value, [key, "x"], 1);
          withoutValue(value, [key]);
        }
        assert.deepEqual(value, copy);
      }),
    );
  });
});
