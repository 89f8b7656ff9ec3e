import assert from "node:assert/strict";
import { ApiError } from "../../../../scripts/standins/kubernetes/apiError.ts";
import { refusedChanges, replacingChanges } from "../../../../scripts/standins/kubernetes/immutability.ts";
import {
  changesBetween,
  formatPath,
  type JsonObject,
  withValue,
} from "../../../../scripts/standins/kubernetes/values.ts";

const mutable = { enableConfigMapMutable: true, enableSecretMutable: true };
const fixed = { enableConfigMapMutable: false, enableSecretMutable: false };

function replacing(before: JsonObject, after: JsonObject, mutability = fixed): string[] {
  return replacingChanges(changesBetween(before, after), before, after, mutability).map(formatPath);
}

const refusal = (...causes: { field: string; message: string }[]) =>
  new ApiError(422, { message: "no", details: { causes } }, "");
const change = (path: (string | number)[]) => ({ path, kind: "update" as const });

describe("immutability", () => {
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "a" },
    spec: { parallelism: 1, backoffLimit: 1 },
  };
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { k: "v" } };

  it("by the table: the fields themselves, what lies in them and what they lie in", () => {
    assert.deepEqual(replacing(job, withValue(job, ["spec", "parallelism"], 2)), ["spec.parallelism"]);
    assert.deepEqual(replacing(job, withValue(job, ["spec", "backoffLimit"], 2)), []);
    const bare = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "a" } };
    assert.deepEqual(replacing(bare, job), ["spec"]);
  });

  it("data of ConfigMaps and Secrets by the provider's settings and the object's own word", () => {
    const changed = withValue(map, ["data", "k"], "w");
    assert.deepEqual(replacing(map, changed), ["data.k"]);
    assert.deepEqual(replacing(map, changed, mutable), []);
    assert.deepEqual(replacing({ ...map, immutable: true }, { ...changed, immutable: true }, mutable), ["data.k"]);
    const secret = { ...map, kind: "Secret" };
    assert.deepEqual(replacing(secret, withValue(secret, ["stringData", "k"], "w")), ["stringData"]);
  });

  it("another version of a group is the same object, another group is not", () => {
    const at = (apiVersion: string) => ({ ...map, apiVersion });
    assert.deepEqual(replacing(at("a.example/v1"), at("a.example/v2")), []);
    assert.deepEqual(replacing(at("a.example/v1"), at("b.example/v1")), ["apiVersion"]);
  });

  it("by the server's word: the changes under the field it names", () => {
    const error = refusal({ field: "spec.template", message: "Invalid value: {}: field is immutable" });
    assert.deepEqual(refusedChanges(error, [change(["spec", "template", "spec", "x"]), change(["spec", "y"])]), [
      ["spec", "template", "spec", "x"],
    ]);
  });

  it("except for the fields its message allows", () => {
    const message = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden";
    const changes = [change(["spec", "replicas"]), change(["spec", "serviceName"]), change(["spec", "template", "x"])];
    assert.deepEqual(refusedChanges(refusal({ field: "spec", message }), changes), [["spec", "serviceName"]]);
  });

  it("a refusal for any other reason is no replacement", () => {
    const immutable = { field: "spec.a", message: "field is immutable" };
    assert.equal(refusedChanges(refusal({ field: "spec.b", message: "Invalid value: -1" }), []), undefined);
    assert.equal(refusedChanges(refusal(immutable, { field: "spec.b", message: "Required value" }), []), undefined);
    assert.equal(refusedChanges(new ApiError(409, {}, ""), []), undefined);
  });
});
