import assert from "node:assert/strict";
import fc from "fast-check";
import { compressionRun, datasetRun, rolloutRun, searchRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type { DatasetRecord, ServedVersion, TrainingBase } from "../../../components/lifecycle/types.ts";
import type { ModelSpec, StackContent } from "../../../stacks/schema.ts";
import { modelName } from "../../stacks/arbitraries.ts";
import { datasetRecordOf, modelOf, rolloutRecordOf, stackOf, stackWith, trainingRecordOf } from "./fixtures.ts";

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
type Network = ModelSpec["training"]["network"];
const withNetwork = (changes: Partial<Extract<Network, { kind: "text-cnn" }>>): Input =>
  withTraining({ network: { ...model.training.network, ...changes } as Network });
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
  ["start", withTraining({ start: { kind: "version" } }), false, false],
  ["resources of training", withTraining({ resources }), false, false],
  ["deadlineSeconds of training", withTraining({ deadlineSeconds: 3 }), false, false],
  ["checkpointSeconds", withTraining({ checkpointSeconds: 3 }), false, false],
  ["checkpointRetention", withTraining({ checkpointRetention: { last: 9, whenDone: "keep" } }), false, false],
  ["gangSeconds", withTraining({ gangSeconds: 30 }), false, false],
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

describe("runs of a training that starts from another", () => {
  const base = { run: "mail-triage-training-0000000001", sha256: "a".repeat(64) };
  const name = (base?: TrainingBase) => trainingRun(model, dataset, stack.content, undefined, base).name;

  it("depend on the run and on what it left", () => {
    const names = [
      undefined,
      base,
      { ...base, run: "mail-triage-training-0000000002" },
      { ...base, sha256: "b".repeat(64) },
    ].map(name);
    assert.equal(new Set(names).size, 4);
    assert.equal(name({ ...base }), names[1]);
    assert.deepEqual(trainingRun(model, dataset, stack.content, undefined, base).base, base);
  });
});

describe("runs of search, compression and rollout", () => {
  const trained = trainingRecordOf(stack, "mail-triage");
  const training = trainingRun(model, dataset, stack.content);
  const served: ServedVersion = { version: trained.run, model, record: trained, training: trained };
  const promotion = rolloutRecordOf(rolloutRun(training, served, undefined, 0));
  const image = { ...stack.content, images: { ...stack.content.images, trainer: "f".repeat(64) } };

  const space = [{ kind: "integer" as const, name: "network.channels", low: 8, high: 64 }];
  const searched = (changes: object) => {
    const model = modelOf(stackWith({ search: { trials: 8, space, ...changes } }, "mail-triage"), "mail-triage");
    assert.ok(model.search);
    return searchRun(model, model.search, dataset, stack.content);
  };
  const SEARCHES: [what: string, changes: object, run: boolean, study: boolean][] = [
    ["trials", { trials: 9 }, true, false],
    ["a time budget", { timeoutSeconds: 60 }, true, false],
    ["workers", { workers: 4 }, false, false],
    ["resources", { resources }, false, false],
    ["deadlineSeconds", { deadlineSeconds: 60 }, false, false],
    ["maxRestarts", { maxRestarts: 9 }, false, false],
    ["algorithm", { algorithm: "random" }, true, true],
    ["pruner", { pruner: "none" }, true, true],
    ["seed", { seed: 3 }, true, true],
    ["epochs", { epochs: 1 }, true, true],
    ["space", { space: [{ ...space[0], high: 65 }] }, true, true],
    ["objectives", { objectives: [{ metric: "validationAccuracy", direction: "maximize" }] }, true, true],
  ];
  for (const [what, changes, changesRun, changesStudy] of SEARCHES) {
    it(`${what} of a search: ${changesRun ? "another run" : "the same run"}, ${changesStudy ? "another" : "the same"} study`, () => {
      assert.equal(searched(changes).name !== searched({}).name, changesRun);
      assert.equal(searched(changes).study !== searched({}).study, changesStudy);
    });
  }

  it("of compression depend on the trained model, the steps and the code, not on the candidate's name", () => {
    const steps = [
      { kind: "quantize" as const, method: "dynamic" as const, calibrationItems: 8, epochs: 1, learningRate: 0.1 },
    ];
    const other = [{ ...steps[0]!, method: "static" as const }];
    const retrained = { ...trained, artifact: { ...trained.artifact, sha256: "b".repeat(64) } };
    const name = (...args: Parameters<typeof compressionRun>) => compressionRun(...args).name;
    const first = name(training, trained, { name: "a", steps }, stack.content);
    assert.equal(name(training, trained, { name: "b", steps }, stack.content), first);
    assert.notEqual(name(training, trained, { name: "a", steps: other }, stack.content), first);
    assert.notEqual(name(training, retrained, { name: "a", steps }, stack.content), first);
    assert.notEqual(name(training, trained, { name: "a", steps }, image), first);
  });

  it("of a model with an image of its own depend on that one where it learns, and on the trainer before", () => {
    const workload = { kind: "image" as const, context: "workloads/other", compresses: true };
    const own = { ...model, workload };
    const content = { ...stack.content, workloads: { "mail-triage": "e".repeat(64) } };
    const changed = { ...content, workloads: { "mail-triage": "f".repeat(64) } };
    const trainer = { ...image, workloads: content.workloads };
    const steps = [{ kind: "distill" as const, network: {}, epochs: 1, learningRate: 0.1, temperature: 1, weight: 1 }];
    const names = (of: StackContent) => [
      datasetRun(own, of).name,
      trainingRun(own, dataset, of).name,
      compressionRun(trainingRun(own, dataset, of), trained, { name: "a", steps }, of).name,
    ];
    const [first, other] = [names(content), names(changed)];
    assert.deepEqual(
      other.map((name, at) => name === first[at]),
      [true, false, false],
    );
    assert.deepEqual(
      names(trainer).map((name, at) => name === first[at]),
      [false, true, true],
    );
    assert.notEqual(first[1], training.name);
    // Where the same image lies, and what else it does, is nothing that is learned.
    const moved = { ...own, workload: { ...workload, context: "elsewhere", compresses: false } };
    assert.equal(trainingRun(moved, dataset, content).name, first[1]);
    assert.throws(() => trainingRun(own, dataset, stack.content), /no workload image of model mail-triage/);
  });

  it("of a rollout depend on the version, its rules, its step and what it follows, not on the code", () => {
    const incumbent = { version: served, promotion };
    const later = { version: served, promotion: { ...promotion, run: "mail-triage-rollout-ffffffffff" } };
    const strict = {
      ...training,
      model: { ...model, serving: { ...model.serving, canary: { ...model.serving.canary, minAgreement: 1 } } },
    };
    const names = [
      rolloutRun(training, served, incumbent, 0),
      rolloutRun(training, served, incumbent, 1),
      rolloutRun(training, served, later, 0),
      rolloutRun(training, served, undefined, 0),
      rolloutRun(strict, served, incumbent, 0),
    ].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.equal(rolloutRun(trainingRun(model, dataset, image), served, incumbent, 0).name, names[0]);
  });
});
