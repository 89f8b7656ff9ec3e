import { plan } from "../../components/lifecycle/plan.ts";
import { datasetRun, trainingRun } from "../../components/lifecycle/runs.ts";
import type {
  DatasetRecord,
  DatasetRun,
  Observations,
  Plan,
  TrainingRecord,
  TrainingRun,
} from "../../components/lifecycle/types.ts";
import { type Stack, stackSchema } from "../../stacks/schema.ts";

/** A stack as `loadStack` gives it, without reading anything. */
export const STACK: Stack = {
  name: "test",
  ...stackSchema.parse({
    platform: { cluster: { kind: "local" }, storage: { kind: "node", path: "/var/lib/artifacts", sizeGiB: 20 } },
    models: [
      {
        name: "mail-triage",
        task: "text-classification",
        dataset: { source: { kind: "npm", package: "@example/mails", version: "1.2.3" }, format: "spam-assassin" },
        training: { workers: 2, epochs: 4, network: { kind: "text-cnn" } },
        serving: { engine: "mlserver" },
      },
    ],
  }),
  content: {
    images: { trainer: "1".repeat(64), server: "2".repeat(64), recorder: "3".repeat(64) },
    sources: { "mail-triage": "4".repeat(64) },
  },
};

export const MODEL = STACK.models[0]!;

export const DATASET_RUN: DatasetRun = datasetRun(MODEL, STACK.content);

const counts = { items: 10, labels: { spam: 5, wanted: 5 } };

export const DATASET_RECORD: DatasetRecord = {
  kind: "dataset",
  model: MODEL.name,
  run: DATASET_RUN.name,
  completedAt: "2026-11-23T10:00:00Z",
  artifact: { path: `datasets/${DATASET_RUN.name}`, sha256: "5".repeat(64), bytes: 1000 },
  seconds: 12,
  labels: ["spam", "wanted"],
  splits: { train: counts, validation: counts, test: counts },
  duplicatesDropped: 0,
  leakedItems: 0,
};

export const TRAINING_RUN: TrainingRun = trainingRun(MODEL, DATASET_RECORD, STACK.content);

export const TRAINING_RECORD: TrainingRecord = {
  kind: "training",
  model: MODEL.name,
  run: TRAINING_RUN.name,
  completedAt: "2026-11-23T11:00:00Z",
  artifact: { path: `training/${TRAINING_RUN.name}/model`, sha256: "6".repeat(64), bytes: 2000 },
  seconds: 120,
  dataset: DATASET_RUN.name,
  metrics: {
    testAccuracy: 0.98,
    testF1: 0.97,
    validationAccuracy: 0.98,
    majorityAccuracy: 0.7,
    majorityF1: 0.4,
    bagOfWordsAccuracy: 0.95,
    bagOfWordsF1: 0.94,
  },
  steps: 100,
  epochs: 4,
  restarts: 0,
  workers: 2,
};

/** What the plan says of the stack at each point of a model's life. */
export const OBSERVED = {
  nothing: { records: [], runs: [] },
  dataset: { records: [DATASET_RECORD], runs: [] },
  training: { records: [DATASET_RECORD, TRAINING_RECORD], runs: [] },
  trainingFailed: {
    records: [DATASET_RECORD],
    runs: [{ run: TRAINING_RUN.name, model: MODEL.name, kind: "training", state: "failed", reason: "exit code 65" }],
  },
} satisfies Record<string, Observations>;

export function planOf(observations: Observations, stack: Stack = STACK): Plan {
  return plan(stack, observations);
}

/** The stack with its one model's serving changed. */
export function withReplicas(replicas: number): Stack {
  return { ...STACK, models: [{ ...MODEL, serving: { ...MODEL.serving, scaling: { kind: "fixed", replicas } } }] };
}
