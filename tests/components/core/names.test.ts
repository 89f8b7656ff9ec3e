import assert from "node:assert/strict";
import fc from "fast-check";
import {
  MAX_MODEL_NAME_LENGTH,
  MAX_NAME_LENGTH,
  MAX_WORKERS,
  recordName,
  runName,
  sourceImageName,
  workerName,
  workloadImageName,
} from "../../../components/core/names.ts";
import { modelName } from "../../stacks/arbitraries.ts";

const hash = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 });
const kind = fc.constantFrom("dataset", "training");

/** What the Job controller appends to the name of a worker's pod: a `-` and five random characters. */
const POD_SUFFIX_LENGTH = 6;

describe("names", () => {
  it("of the longest model fit wherever Kubernetes uses them", () => {
    const run = runName("m".repeat(MAX_MODEL_NAME_LENGTH), "training", "0".repeat(64));
    assert.ok(recordName(run).length <= MAX_NAME_LENGTH);
    assert.ok(workerName(run, MAX_WORKERS - 1).length + POD_SUFFIX_LENGTH <= MAX_NAME_LENGTH);
    for (const image of [sourceImageName, workloadImageName]) {
      assert.ok(image("m".repeat(MAX_MODEL_NAME_LENGTH)).length <= MAX_NAME_LENGTH);
    }
  });

  it("of runs differ when the model, the kind or the hash differs", () => {
    fc.assert(
      fc.property(modelName, kind, hash, modelName, kind, hash, (modelA, kindA, hashA, modelB, kindB, hashB) => {
        const same = modelA === modelB && kindA === kindB && hashA.slice(0, 10) === hashB.slice(0, 10);
        assert.equal(runName(modelA, kindA, hashA) === runName(modelB, kindB, hashB), same);
      }),
    );
  });

  it("of a model called like another's run do not collide with that run", () => {
    assert.notEqual(runName("a", "dataset", "b".repeat(10)), runName("a-dataset", "dataset", "b".repeat(10)));
  });
});
