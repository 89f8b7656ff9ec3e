import assert from "node:assert/strict";
import { CompressionJob } from "../../../components/training/component.ts";
import { renderCompression } from "../../../components/training/compression.ts";
import { validateRun } from "../../../components/training/validate.ts";
import { countByType, declare, refusal } from "../engine.ts";
import { DATASET_RECORD, MODEL, TRAINING_RUN } from "../fixtures.ts";
import { COMPRESSION_RUN, CONTEXT, TUNED, TUNED_TRAINING_RUN } from "./fixtures.ts";
import {
  artifactMounts,
  commonEnvironment,
  endOf,
  environmentOf,
  POD_FAILURES,
  specOf,
  workloadOf,
} from "./rendered.ts";

const args = { ...CONTEXT, run: COMPRESSION_RUN };
const compression = renderCompression(args);

describe("compression run", () => {
  it("tells the workload where the trained network is", () => {
    assert.deepEqual(environmentOf(workloadOf(compression)), {
      ...commonEnvironment("compression", COMPRESSION_RUN.name, 1),
      MILLWRIGHT_INPUT: "/millwright/input",
      MILLWRIGHT_BASELINE: "/millwright/baseline",
      MILLWRIGHT_CHECKPOINT: "/millwright/checkpoint",
    });
  });

  it("reads the whole folder of the training run, not the served model alone", () => {
    assert.deepEqual(artifactMounts(compression), [
      { name: "artifacts", subPath: DATASET_RECORD.artifact.path, mountPath: "/millwright/input", readOnly: true },
      {
        name: "artifacts",
        subPath: `training/${TRAINING_RUN.name}`,
        mountPath: "/millwright/baseline",
        readOnly: true,
      },
      { name: "artifacts", subPath: `compression/${COMPRESSION_RUN.name}`, mountPath: "/millwright/output" },
      { name: "artifacts", subPath: `checkpoints/${COMPRESSION_RUN.name}`, mountPath: "/millwright/checkpoint" },
    ]);
  });

  it("gets the candidate and the training that made the baseline as a file", () => {
    assert.deepEqual(specOf(compression), {
      candidate: TUNED.compression!.candidates[0],
      training: TUNED_TRAINING_RUN.training,
      task: "text-classification",
      labels: ["spam", "wanted"],
      measurement: { seconds: 5 },
    });
  });

  it("takes its restarts and its deadline from the model's compression", () => {
    assert.deepEqual(endOf(compression), {
      completionMode: "Indexed",
      completions: 1,
      parallelism: 1,
      backoffLimitPerIndex: 3,
      maxFailedIndexes: 0,
      activeDeadlineSeconds: 7200,
      ...POD_FAILURES,
    });
  });

  it("is a spec and a Job", async () => {
    const { registrations } = await declare(() => new CompressionJob(COMPRESSION_RUN.name, args));
    assert.deepEqual(countByType(registrations), {
      "millwright:training:CompressionJob": 1,
      "kubernetes:core/v1:ConfigMap": 1,
      "kubernetes:batch/v1:Job": 1,
    });
  });

  for (const path of ["training/x", "training/x/models", "../model", "model"]) {
    it(`refuses a baseline at ${path}`, () => {
      const artifact = { ...COMPRESSION_RUN.baseline.artifact, path };
      const run = { ...COMPRESSION_RUN, baseline: { ...COMPRESSION_RUN.baseline, artifact } };
      assert.deepEqual(
        validateRun(run).map((problem) => [problem.path, problem.value]),
        [["run.baseline.artifact.path", path]],
      );
    });
  }

  it("refuses a model that is not compressed", async () => {
    const run = { ...COMPRESSION_RUN, model: MODEL };
    const error = await refusal(() => new CompressionJob(run.name, { ...CONTEXT, run }));
    assert.match(error.message, /run\.model\.compression: must be there/);
  });
});
