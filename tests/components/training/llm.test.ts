import assert from "node:assert/strict";
import { parse } from "yaml";
import { type recipeOf, SCHEMES } from "../../../components/catalog/schemes.ts";
import { decide } from "../../../components/lifecycle/gate.ts";
import { compressionRun } from "../../../components/lifecycle/runs.ts";
import type { CompressionRecord } from "../../../components/lifecycle/types.ts";
import { CompressionJob } from "../../../components/training/component.ts";
import { renderCompression } from "../../../components/training/compression.ts";
import { rules } from "../../../policies/rules/index.ts";
import { type CandidateSpec, candidateSchema, type LlmStep } from "../../../stacks/schema.ts";
import { judge } from "../../policies/judge.ts";
import { IMAGE } from "../catalog/engines.ts";
import { declare, find } from "../engine.ts";
import { STACK, TRAINING_RECORD } from "../fixtures.ts";
import { restrictedProblems } from "../pod-security.ts";
import { COMPRESSION_RUN, CONTEXT, TUNED_TRAINING_RUN } from "./fixtures.ts";
import { environmentOf, podOf, recorderOf, specOf, workloadOf } from "./rendered.ts";

/**
 * The compression of a language model, as it is rendered and declared, and what the gate makes of its record. It does not prove
 * that llm-compressor takes the recipe: neither it nor a GPU is here, and no task trains a language model yet.
 */

const STEP = { kind: "llm", scheme: "w4a16", image: IMAGE, gpu: 2, evaluation: { tasks: ["arc_easy", "hellaswag"] } };

function candidate(change: object = {}): CandidateSpec {
  return candidateSchema.parse({ name: "small", steps: [{ ...STEP, ...change }] });
}

function runOf(made: CandidateSpec, content = STACK.content) {
  const run = compressionRun(TUNED_TRAINING_RUN, TRAINING_RECORD, made, content);
  return { ...run, model: COMPRESSION_RUN.model };
}

/** As every image that was built or named by its digest. */
const context = { ...CONTEXT, images: { workload: IMAGE.replace("server", "trainer"), recorder: IMAGE } };
const args = { ...context, run: runOf(candidate()) };
const rendered = renderCompression(args);

const SCHEME_NAMES = {
  fp8: ["QuantizationModifier"],
  int8: ["SmoothQuantModifier", "GPTQModifier"],
  w4a16: ["GPTQModifier"],
  nvfp4: ["QuantizationModifier"],
};
const PRESETS = { fp8: "FP8_DYNAMIC", int8: "W8A8", w4a16: "W4A16", nvfp4: "NVFP4" };

describe("the compression of a language model", () => {
  it("has a row for each scheme, with its source and a date", () => {
    assert.deepEqual(Object.keys(SCHEMES).sort(), Object.keys(SCHEME_NAMES).sort());
    for (const [scheme, { source, readOn, isCalibrated }] of Object.entries(SCHEMES)) {
      assert.ok(source.length > 10, scheme);
      assert.match(readOn, /^20\d\d-\d\d(-\d\d)?$/, scheme);
      assert.equal(isCalibrated, scheme !== "fp8", scheme);
    }
  });

  for (const scheme of Object.keys(SCHEME_NAMES) as LlmStep["scheme"][]) {
    it(`gets the recipe of ${scheme} as a file beside its spec`, () => {
      const made = candidate({ scheme, ignore: ["lm_head", "re:.*gate"] });
      const { spec } = renderCompression({ ...context, run: runOf(made) });
      const recipe = parse((spec.data as Record<string, string>)["recipe.yaml"]!) as ReturnType<typeof recipeOf>;
      const modifiers = recipe.quant_stage.quant_modifiers;
      assert.deepEqual(Object.keys(modifiers), SCHEME_NAMES[scheme]);
      assert.deepEqual(modifiers[SCHEME_NAMES[scheme].at(-1)!], {
        targets: ["Linear"],
        scheme: PRESETS[scheme],
        ignore: ["lm_head", "re:.*gate"],
      });
    });
  }

  it("is told where the recipe is, and in its spec what it is calibrated on and scored by", () => {
    assert.equal(environmentOf(workloadOf(rendered))["MILLWRIGHT_RECIPE"], "/millwright/spec/recipe.yaml");
    const { steps } = (specOf(rendered) as { candidate: { steps: LlmStep[] } }).candidate;
    assert.deepEqual(steps[0]!.calibration, { items: 512, maxLength: 2048 });
    assert.deepEqual(steps[0]!.evaluation, { tasks: ["arc_easy", "hellaswag"], fewShot: 0 });
  });

  it("is done by the step's image on its GPUs, and recorded as every run is", () => {
    assert.equal(workloadOf(rendered).image, IMAGE);
    assert.equal(recorderOf(rendered).image, context.images.recorder);
    assert.equal(workloadOf(rendered).resources.limits["nvidia.com/gpu"], "2");
    const other = renderCompression({ ...context, run: runOf(candidate({ gpuResource: "amd.com/gpu" })) });
    assert.equal(workloadOf(other).resources.limits["amd.com/gpu"], "2");
    const plain = renderCompression({ ...context, run: COMPRESSION_RUN });
    assert.equal(workloadOf(plain).image, context.images.workload);
    assert.deepEqual(Object.keys(workloadOf(plain).resources.limits), ["cpu", "memory"]);
    assert.ok(!("recipe.yaml" in plain.spec.data));
  });

  it("is another run with another image or scheme, and the same with another trainer", () => {
    const { name } = runOf(candidate());
    assert.notEqual(runOf(candidate({ image: IMAGE.replace("aaaa", "bbbb") })).name, name);
    assert.notEqual(runOf(candidate({ scheme: "nvfp4" })).name, name);
    const images = { ...STACK.content.images, trainer: "f".repeat(64) };
    assert.equal(runOf(candidate(), { ...STACK.content, images }).name, name);
  });

  it("keeps the restricted standard and every policy", async () => {
    assert.deepEqual(restrictedProblems(podOf(rendered)), []);
    const { registrations } = await declare(() => new CompressionJob(args.run.name, args));
    const job = find(registrations, "kubernetes:batch/v1:Job");
    for (const rule of rules) {
      assert.deepEqual(await judge(rule, job.type, job.inputs), { violations: [] }, rule.name);
    }
  });

  it("is judged by the gate as every candidate is, on the mean of lm-eval's scores", () => {
    const measured = (accuracy: number, bytes: number) => ({
      testAccuracy: accuracy,
      testF1: accuracy,
      bytes,
      parameters: 1000,
      latencyP50Ms: 10,
      latencyP99Ms: 20,
      throughputPerSecond: 5,
      sparsity: 0,
    });
    const outcome = (name: string, accuracy: number) => {
      const record: CompressionRecord = {
        kind: "compression",
        model: "mail-triage",
        run: name,
        completedAt: "2026-11-24T12:00:00Z",
        artifact: { path: `compression/${name}/model`, sha256: "7".repeat(64), bytes: 1 },
        seconds: 1,
        training: TRAINING_RECORD.run,
        candidate: name,
        baseline: measured(0.7, 16e9),
        result: measured(accuracy, 4e9),
      } as CompressionRecord;
      return { candidate: name, version: name, record };
    };
    const decision = decide({
      baseline: TRAINING_RECORD,
      outcomes: [outcome("good", 0.699), outcome("worse", 0.6)],
      maxAccuracyDrop: 0.01,
      objective: "size",
    });
    assert.equal(decision.chosen, "good");
    assert.match(decision.entries[2]!.rejected ?? "", /14\.29 % below that of the baseline/);
  });
});
