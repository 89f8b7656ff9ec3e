import { datasetRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type { DatasetRecord, RunStatus, TrainingRecord } from "../../../components/lifecycle/types.ts";
import type { ModelSpec, Stack } from "../../../stacks/schema.ts";
import { validateStack } from "../../../stacks/validate.ts";

/** A stack with models of these names, all else alike. */
export function stackOf(...names: string[]): Stack {
  const validation = validateStack({
    platform: { cluster: { kind: "local" }, storage: { kind: "node", path: "/artifacts", sizeGiB: 1 } },
    models: names.map((name) => ({
      name,
      task: "text-classification",
      dataset: { source: { kind: "directory", path: "mails" }, format: "spam-assassin" },
      training: { epochs: 2, network: { kind: "text-cnn" } },
      serving: { engine: "mlserver" },
    })),
  });
  if ("problems" in validation) {
    throw new Error(JSON.stringify(validation.problems));
  }
  return {
    name: "local",
    ...validation.spec,
    content: {
      images: { trainer: "1".repeat(64), server: "2".repeat(64), recorder: "3".repeat(64) },
      sources: Object.fromEntries(names.map((name) => [name, "4".repeat(64)])),
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
      bagOfWordsAccuracy: 0.9,
      bagOfWordsF1: 0.9,
    },
    steps: 10,
    epochs: 2,
    restarts: 0,
    workers: 1,
    ...changes,
  };
}

export function statusOf(
  run: { kind: RunStatus["kind"]; name: string },
  state: RunStatus["state"],
  reason?: string,
): RunStatus {
  const model = run.name.slice(0, run.name.indexOf(`-${run.kind}-`));
  return { run: run.name, model, kind: run.kind, state, ...(reason === undefined ? {} : { reason }) };
}
