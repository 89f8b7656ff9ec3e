import assert from "node:assert/strict";
import { parse } from "yaml";
import { specJsonSchema } from "../../stacks/json-schema.ts";
import { stackFileSchema } from "../../stacks/reference.ts";
import { validateStack } from "../../stacks/validate.ts";
import { EXAMPLES, IMAGE, KINDS } from "../components/catalog/engines.ts";
import { VALID_STACK } from "./repository.ts";

type Fields = Record<string, unknown>;

/** `{platform, models}` of a valid stack whose one model is served so. */
function servedBy(engine: unknown, resources?: Fields, model: Fields = {}): unknown {
  const { config } = parse(VALID_STACK) as { config: Record<string, unknown> };
  const [first] = structuredClone(config["millwright:models"]) as [{ serving: Fields }];
  const serving = { ...first.serving, engine, ...(resources === undefined ? {} : { resources }) };
  return { platform: config["millwright:platform"], models: [{ ...first, ...model, serving }] };
}

const ENGINE = "models[0].serving.engine";
const GPU = "models[0].serving.resources.gpu";
const RESOURCES = { cpu: 4, memoryGiB: 32 };
const TRITON = { kind: "triton", image: IMAGE };
const VLLM = { kind: "vllm", image: IMAGE };
const CUSTOM = { kind: "custom", image: IMAGE, port: 9000, readyPath: "/ready", livePath: "/live" };
const IMAGES = {
  task: "image-classification",
  dataset: { source: { kind: "builtin", name: "digits" }, format: "digits" },
  training: { epochs: 1, network: { kind: "image-cnn" } },
};

/** What is wrong, the stack, and for each problem its path and a part of its message. */
const CASES: [title: string, stack: unknown, ...problems: [path: string, says: string][]][] = [
  ["no engine", servedBy(undefined), [ENGINE, 'is required: "mlserver", or an object whose kind is one of']],
  ["a misspelt one", servedBy("mlserve"), [ENGINE, 'did you mean "mlserver"?']],
  ["one that needs more than its name", servedBy("triton"), [ENGINE, "write {kind: triton, ...}"]],
  ["a kind that is none", servedBy({ kind: "torchserve" }), [`${ENGINE}.kind`, 'one of "mlserver", "triton"']],
  ["no image", servedBy({ kind: "triton" }), [`${ENGINE}.image`, "is required: an image by its digest"]],
  [
    "an image by a tag",
    servedBy({ kind: "triton", image: "nvcr.io/nvidia/tritonserver:24.01-py3" }),
    [`${ENGINE}.image`, "must be an image by its digest, repository@sha256:<64 hexadecimal digits>"],
  ],
  ["an image for MLServer", servedBy({ kind: "mlserver", image: IMAGE }), [`${ENGINE}.image`, "is not a known field"]],
  ["GPUs for MLServer", servedBy("mlserver", { ...RESOURCES, gpu: 1 }), [GPU, "must be left out with mlserver"]],
  ["half a GPU", servedBy(TRITON, { ...RESOURCES, gpu: 0.5 }), [GPU, "a whole number from 1 to 16"]],
  [
    "a vendor's name without a number",
    servedBy(TRITON, { ...RESOURCES, gpuResource: "amd.com/gpu" }),
    [GPU, "is required where gpuResource says"],
  ],
  [
    "a vendor's name that is none",
    servedBy(TRITON, { ...RESOURCES, gpu: 1, gpuResource: "gpu" }),
    ["models[0].serving.resources.gpuResource", 'such as "nvidia.com/gpu"'],
  ],
  [
    "a model divided among GPUs it has not",
    servedBy({ ...VLLM, tensorParallel: 4 }, { ...RESOURCES, gpu: 2 }),
    [GPU, "must be 4, as many as engine.tensorParallel"],
  ],
  ["a model divided among none", servedBy({ ...VLLM, tensorParallel: 2 }, RESOURCES), [GPU, "must be 2"]],
  ["GPUs nobody uses", servedBy(VLLM, { ...RESOURCES, gpu: 8 }), [GPU, "must be 1"]],
  [
    "GPUs for training",
    servedBy("mlserver", undefined, {
      training: { epochs: 1, network: { kind: "text-cnn" }, resources: { ...RESOURCES, gpu: 1 } },
    }),
    ["models[0].training.resources.gpu", "must be left out with the trainer"],
  ],
  [
    "images for vLLM",
    servedBy(VLLM, undefined, IMAGES),
    [`${ENGINE}.kind`, "must be mlserver, triton, tensorflow-serving or custom"],
  ],
  [
    "images for OpenAI's API",
    servedBy({ ...CUSTOM, protocol: "openai" }, undefined, IMAGES),
    [`${ENGINE}.protocol`, "must be v2 or tensorflow"],
  ],
  [
    "drift and quality that the server does not tell",
    servedBy(TRITON, undefined, { watch: { drift: {}, quality: {}, schedule: { everyHours: 24 } } }),
    ["models[0].watch.drift", "must be left out with triton"],
    ["models[0].watch.quality", "must be left out with triton"],
  ],
  [
    "a custom image without a port and paths",
    servedBy({ kind: "custom", image: IMAGE }),
    [`${ENGINE}.livePath`, "is required: a path"],
    [`${ENGINE}.port`, "is required: a whole number from 1024 to 65535"],
    [`${ENGINE}.readyPath`, "is required: a path"],
  ],
  ["a privileged port", servedBy({ ...CUSTOM, port: 80 }), [`${ENGINE}.port`, "from 1024"]],
  [
    "variables that are ours, or none",
    servedBy({ ...CUSTOM, environment: { MILLWRIGHT_VERSION: "1", "a-b": "2", GOOD: "3" } }),
    [`${ENGINE}.environment.MILLWRIGHT_VERSION`, "not starting with MILLWRIGHT_"],
    [`${ENGINE}.environment.a-b`, "must be a variable's name"],
  ],
  [
    "several things at once",
    servedBy({ kind: "vllm", image: "vllm/vllm-openai:latest", maxModelLength: 0 }),
    [`${ENGINE}.image`, "by its digest"],
    [`${ENGINE}.maxModelLength`, "from 1 to 16777216"],
  ],
];

const LLM = { kind: "llm", scheme: "fp8", image: IMAGE, evaluation: { tasks: ["arc_easy"] } };
const STEP = "models[0].compression.candidates[0].steps[0]";
const compressedBy = (...steps: object[]) =>
  servedBy("mlserver", undefined, { compression: { candidates: [{ name: "small", steps }] } });

CASES.push(
  [
    "a language model's compression where none is trained",
    compressedBy(LLM),
    [`${STEP}.kind`, "must be prune, quantize or distill: text-classification trains no language model"],
  ],
  [
    "a language model's compression beside other steps",
    compressedBy(LLM, { kind: "quantize" }),
    [STEP, "must be the only step"],
    [`${STEP}.kind`, "trains no language model"],
  ],
  [
    "a scheme that is none, an image by a tag and no evaluation",
    compressedBy({ kind: "llm", scheme: "fp4", image: "llmcompressor:latest" }),
    [`${STEP}.evaluation`, "is required"],
    [`${STEP}.image`, "by its digest"],
    [`${STEP}.scheme`, 'one of "fp8", "int8", "w4a16", "nvfp4"'],
  ],
);

describe("the engine of a stack file", () => {
  for (const [title, stack, ...expected] of CASES) {
    it(`refuses ${title}`, () => {
      const validation = validateStack(stack);
      assert.ok("problems" in validation, "the stack was not refused");
      const problems = [...validation.problems].sort((a, b) => (a.path < b.path ? -1 : 1));
      assert.deepEqual(
        problems.map(({ path }) => path),
        expected.map(([path]) => path),
        JSON.stringify(problems),
      );
      for (const [at, [, says]] of expected.entries()) {
        assert.ok(problems[at]!.message.includes(says), problems[at]!.message);
      }
    });
  }

  for (const kind of KINDS) {
    it(`takes ${kind}`, () => {
      const validation = validateStack(
        servedBy(EXAMPLES[kind], kind === "vllm" ? { ...RESOURCES, gpu: 2 } : undefined),
      );
      assert.ok("spec" in validation, JSON.stringify(validation));
      assert.deepEqual(validation.spec.models[0]!.serving.engine, EXAMPLES[kind]);
    });
  }

  it("takes mlserver by its name alone, as ever, and as an object", () => {
    for (const engine of ["mlserver", { kind: "mlserver" }]) {
      const validation = validateStack(servedBy(engine));
      assert.ok("spec" in validation);
      assert.deepEqual(validation.spec.models[0]!.serving.engine, { kind: "mlserver" });
    }
  });

  it("is offered by editors in both forms", () => {
    const model = specJsonSchema().properties?.["models"]?.items;
    const engine = model?.properties?.["serving"]?.properties?.["engine"];
    assert.deepEqual(engine?.oneOf?.[0], { type: "string", const: "mlserver" });
    assert.equal(engine?.oneOf?.length, KINDS.length + 1);
    assert.doesNotMatch(JSON.stringify(stackFileSchema()), /shorthand/);
  });
});
