import { datasetRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type {
  CompressionRecord,
  CompressionRun,
  DatasetRecord,
  Measurement,
  RolloutRecord,
  RolloutRun,
  Run,
  RunRecord,
  RunStatus,
  SearchRecord,
  SearchRun,
  TrainingRecord,
  TrainingRun,
} from "../../../components/lifecycle/types.ts";
import type { ModelSpec, Stack } from "../../../stacks/schema.ts";
import { validateStack } from "../../../stacks/validate.ts";

/** SHA-256 of each image, made up. */
export const IMAGES = {
  trainer: "1".repeat(64),
  server: "2".repeat(64),
  recorder: "3".repeat(64),
  router: "7".repeat(64),
  database: "8".repeat(64),
  prometheus: "9".repeat(64),
  mlflow: "a".repeat(64),
};

/** A stack with models of these names, all else alike. */
export function stackOf(...names: string[]): Stack {
  return stackWith({}, ...names);
}

/** The same, with more in each model: a search, compression. */
export function stackWith(more: object, ...names: string[]): Stack {
  const validation = validateStack({
    platform: { cluster: { kind: "local" }, storage: { kind: "node", path: "/artifacts", sizeGiB: 1 } },
    models: names.map((name) => ({
      name,
      task: "text-classification",
      dataset: { source: { kind: "directory", path: "mails" }, format: "spam-assassin" },
      training: { epochs: 2, network: { kind: "text-cnn" } },
      serving: { engine: "mlserver" },
      ...more,
    })),
  });
  if ("problems" in validation) {
    throw new Error(JSON.stringify(validation.problems));
  }
  return {
    name: "local",
    ...validation.spec,
    content: {
      images: IMAGES,
      sources: Object.fromEntries(names.map((name) => [name, "4".repeat(64)])),
      workloads: {},
    },
  };
}

export function modelOf(stack: Stack, name: string): ModelSpec {
  const model = stack.models.find((candidate) => candidate.name === name);
  if (model === undefined) {
    throw new Error(`no model ${name}`);
  }
  return model;
}

const artifact = { path: "somewhere", sha256: "a".repeat(64), bytes: 1 };
const split = { items: 10, labels: { wanted: 6, unwanted: 4 } };

/** The record a model's dataset run leaves. */
export function datasetRecordOf(stack: Stack, name: string, changes: Partial<DatasetRecord> = {}): DatasetRecord {
  return {
    kind: "dataset",
    model: name,
    run: datasetRun(modelOf(stack, name), stack.content).name,
    completedAt: "2026-01-01T00:00:00Z",
    seconds: 1,
    artifact,
    labels: ["unwanted", "wanted"],
    splits: { train: split, validation: split, test: split },
    duplicatesDropped: 0,
    leakedItems: 0,
    ...changes,
  };
}

/** The record a model's training run on {@link datasetRecordOf} leaves. */
export function trainingRecordOf(stack: Stack, name: string, changes: Partial<TrainingRecord> = {}): TrainingRecord {
  const dataset = datasetRecordOf(stack, name);
  return {
    kind: "training",
    model: name,
    run: trainingRun(modelOf(stack, name), dataset, stack.content).name,
    completedAt: "2026-01-02T00:00:00Z",
    seconds: 1,
    artifact,
    dataset: dataset.run,
    metrics: {
      testAccuracy: 0.98,
      testF1: 0.97,
      validationAccuracy: 0.97,
      majorityAccuracy: 0.6,
      majorityF1: 0.4,
      simpleAccuracy: 0.9,
      simpleF1: 0.9,
    },
    steps: 10,
    epochs: 2,
    restarts: 0,
    workers: 1,
    ...changes,
  };
}

/** The record that a training run with no luck in particular leaves, and that of one that learned less. */
export function trainingRecordFor(stack: Stack, run: TrainingRun, testAccuracy = 0.98): TrainingRecord {
  const record = trainingRecordOf(stack, run.model.name, {
    run: run.name,
    dataset: run.dataset.run,
    artifact: { ...artifact, path: `training/${run.name}/model` },
    spec: run.base === undefined ? {} : { base: run.base },
  });
  return { ...record, metrics: { ...record.metrics, testAccuracy } };
}

const TESTED: Measurement = {
  testAccuracy: 0.98,
  testF1: 0.97,
  bytes: 4_000_000,
  parameters: 1_000_000,
  latencyP50Ms: 1,
  latencyP99Ms: 2,
  throughputPerSecond: 1000,
  sparsity: 0,
};

/** What a run of the compression stage leaves: by default half the size and twice the speed, equally accurate. */
export function compressionRecordOf(run: CompressionRun, changes: Partial<Measurement> = {}): CompressionRecord {
  return {
    ...baseOf(run),
    kind: "compression",
    training: run.baseline.run,
    candidate: run.candidate.name,
    baseline: TESTED,
    result: { ...TESTED, bytes: 2_000_000, latencyP99Ms: 1, throughputPerSecond: 2000, sparsity: 0.5, ...changes },
  };
}

const EVIDENCE = { requests: 60, errors: 0, p50Ms: 1, p99Ms: 2, accuracy: 0.98, liveRequests: 10, liveErrors: 0 };

/** The verdict on a step of a rollout: to go on, and on the last step to promote, unless another is given. */
export function rolloutRecordOf(
  run: RolloutRun,
  verdict: RolloutRecord["verdict"] = run.step === run.weights.length - 1 ? "promote" : "advance",
  changes: Partial<RolloutRecord> = {},
): RolloutRecord {
  return {
    ...baseOf(run),
    kind: "rollout",
    candidate: run.candidate.version,
    stable: run.stable?.version ?? null,
    step: run.step,
    weight: run.weights[run.step] ?? 0,
    verdict,
    reasons: verdict === "rollback" ? ["agreement 3.00 %, at least 90.00 % is asked"] : [],
    evidence: {
      candidate: EVIDENCE,
      stable: run.stable === undefined ? null : EVIDENCE,
      agreement: run.stable === undefined ? null : 1,
    },
    ...changes,
  };
}

export function searchRecordOf(run: SearchRun, parameters: SearchRecord["best"]["parameters"]): SearchRecord {
  return {
    ...baseOf(run),
    kind: "search",
    dataset: run.dataset.run,
    best: { parameters, values: [0.1] },
    trials: { completed: 8, pruned: 4, failed: 0 },
  };
}

function baseOf(run: Run) {
  return { model: run.model.name, run: run.name, completedAt: "2026-01-03T00:00:00Z", seconds: 1, artifact };
}

/** The record a run leaves when all goes well. */
export function recordFor(stack: Stack, run: Run): RunRecord {
  switch (run.kind) {
    case "dataset":
      return datasetRecordOf(stack, run.model.name, { run: run.name });
    case "search":
      return searchRecordOf(run, { learningRate: 0.005 });
    case "training":
      return trainingRecordFor(stack, run);
    case "compression":
      return compressionRecordOf(run);
    case "rollout":
      return rolloutRecordOf(run);
  }
}

export function statusOf(
  run: { kind: RunStatus["kind"]; name: string },
  state: RunStatus["state"],
  reason?: string,
): RunStatus {
  const model = run.name.slice(0, run.name.indexOf(`-${run.kind}-`));
  return { run: run.name, model, kind: run.kind, state, ...(reason === undefined ? {} : { reason }) };
}
