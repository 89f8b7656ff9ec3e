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

const json = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => !JSON.stringify(value).includes("__proto__")) as fc.Arbitrary<Json>;
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

  it("names changes that, done to the one, give the other (objects only: list positions shift)", () => {
    const flat = fc.dictionary(fc.string({ minLength: 1 }), fc.dictionary(fc.string({ minLength: 1 }), fc.integer()));
    fc.assert(
      fc.property(flat, flat, (before, after) => {
        const paths = changesBetween(before, after).map(({ path }) => path);
        assert.ok(equal(applied(before, after, paths), after));
      }),
    );
  });

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
