import assert from "node:assert/strict";
import fc from "fast-check";
import { datasetRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type { DatasetRecord } from "../../../components/lifecycle/types.ts";
import type { ModelSpec, StackContent } from "../../../stacks/schema.ts";
import { modelName } from "../../stacks/arbitraries.ts";
import { datasetRecordOf, modelOf, stackOf } from "./fixtures.ts";

const stack = stackOf("mail-triage");
const model = modelOf(stack, "mail-triage");
const dataset = datasetRecordOf(stack, "mail-triage");

interface Input {
  readonly model: ModelSpec;
  readonly content: StackContent;
  readonly dataset: DatasetRecord;
}
const base: Input = { model, content: stack.content, dataset };
const datasetName = (input: Input) => datasetRun(input.model, input.content).name;
const trainingName = (input: Input) => trainingRun(input.model, input.dataset, input.content).name;

const withTraining = (changes: Partial<ModelSpec["training"]>): Input => ({
  ...base,
  model: { ...model, training: { ...model.training, ...changes } },
});
const withNetwork = (changes: Partial<ModelSpec["training"]["network"]>): Input =>
  withTraining({ network: { ...model.training.network, ...changes } });
const withDataset = (changes: Partial<ModelSpec["dataset"]>): Input => ({
  ...base,
  model: { ...model, dataset: { ...model.dataset, ...changes } },
});
const withSplit = (changes: Partial<ModelSpec["dataset"]["split"]>): Input =>
  withDataset({ split: { ...model.dataset.split, ...changes } });
const withImage = (image: string): Input => ({
  ...base,
  content: { ...stack.content, images: { ...stack.content.images, [image]: "f".repeat(64) } },
});
const resources = { cpu: 7, memoryGiB: 7 };

/** What was changed, and whether it makes another dataset run and another training run on the same dataset record. */
const CHANGES: [what: string, input: Input, dataset: boolean, training: boolean][] = [
  ["the data", { ...base, content: { ...stack.content, sources: { "mail-triage": "f".repeat(64) } } }, true, false],
  ["the split's seed", withSplit({ seed: 18 }), true, false],
  ["the split's fractions", withSplit({ train: 0.7, test: 0.2 }), true, false],
  ["the trainer's image", withImage("trainer"), true, true],
  ["the server's image", withImage("server"), false, false],
  ["the recorder's image", withImage("recorder"), false, false],
  [
    "the dataset's content",
    { ...base, dataset: { ...dataset, artifact: { ...dataset.artifact, sha256: "f".repeat(64) } } },
    false,
    true,
  ],
  ["the dataset's run", { ...base, dataset: { ...dataset, run: "mail-triage-dataset-ffffffffff" } }, false, true],
  [
    "when the dataset was made",
    { ...base, dataset: { ...dataset, completedAt: "2027-01-01T00:00:00Z", seconds: 9 } },
    false,
    false,
  ],
  ["workers", withTraining({ workers: 3 }), false, true],
  ["epochs", withTraining({ epochs: 3 }), false, true],
  ["batchSize", withTraining({ batchSize: 32 }), false, true],
  ["learningRate", withTraining({ learningRate: 0.003 }), false, true],
  ["seed", withTraining({ seed: 3 }), false, true],
  ["vocabularySize", withNetwork({ vocabularySize: 300 }), false, true],
  ["embeddingSize", withNetwork({ embeddingSize: 8 }), false, true],
  ["channels", withNetwork({ channels: 8 }), false, true],
  ["sequenceLength", withNetwork({ sequenceLength: 64 }), false, true],
  ["dropout", withNetwork({ dropout: 0.1 }), false, true],
  ["resources of training", withTraining({ resources }), false, false],
  ["deadlineSeconds of training", withTraining({ deadlineSeconds: 3 }), false, false],
  ["checkpointSeconds", withTraining({ checkpointSeconds: 3 }), false, false],
  ["maxRestarts", withTraining({ maxRestarts: 9 }), false, false],
  ["resources of the dataset", withDataset({ resources }), false, false],
  ["deadlineSeconds of the dataset", withDataset({ deadlineSeconds: 3 }), false, false],
  ["where equal data comes from", withDataset({ source: { kind: "directory", path: "elsewhere" } }), false, false],
  ["serving", { ...base, model: { ...model, serving: { ...model.serving, resources } } }, false, false],
];

describe("runs", () => {
  for (const [what, input, changesDataset, changesTraining] of CHANGES) {
    const runs = [changesDataset ? "the dataset run" : "", changesTraining ? "the training run" : ""].filter(Boolean);
    it(`${what}: ${runs.length === 0 ? "changes no run" : `changes ${runs.join(" and ")}`}`, () => {
      assert.equal(datasetName(input) !== datasetName(base), changesDataset);
      assert.equal(trainingName(input) !== trainingName(base), changesTraining);
    });
  }

  it("have a row above for every field of training", () => {
    const covered = CHANGES.map(([what]) => what.split(" ")[0]);
    const fields = [...Object.keys(model.training), ...Object.keys(model.training.network)].filter(
      (field) => field !== "network" && field !== "kind",
    );
    assert.deepEqual(
      fields.filter((field) => !covered.includes(field)),
      [],
    );
  });

  it("do not depend on the order in which fields are written", () => {
    const reversed = Object.fromEntries(Object.entries(model.training).reverse()) as ModelSpec["training"];
    assert.equal(trainingName({ ...base, model: { ...model, training: reversed } }), trainingName(base));
  });

  it("of different models are never the same", () => {
    fc.assert(
      fc.property(modelName, modelName, (a, b) => {
        fc.pre(a !== b);
        const stack = stackOf(a, b);
        const names = [a, b].flatMap((name) => {
          const input = { model: modelOf(stack, name), content: stack.content, dataset: datasetRecordOf(stack, name) };
          return [datasetName(input), trainingName(input)];
        });
        assert.equal(new Set(names).size, 4);
      }),
      { numRuns: 50 },
    );
  });

  it("of a model without content are refused by name", () => {
    assert.throws(() => datasetRun(model, { ...stack.content, sources: {} }), /no source of model mail-triage/);
  });
});
