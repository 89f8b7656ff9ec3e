import { plan } from "../../components/lifecycle/plan.ts";
import { datasetRun, rolloutRun, trainingRun } from "../../components/lifecycle/runs.ts";
import type {
  DatasetRecord,
  DatasetRun,
  Observations,
  Plan,
  RolloutRecord,
  RolloutRun,
  ServedVersion,
  TrainingRecord,
  TrainingRun,
} from "../../components/lifecycle/types.ts";
import {
  autoscalerSchema,
  compressionSchema,
  type Stack,
  scalingSchema,
  searchSchema,
  stackSchema,
  trackingSchema,
  watchSchema,
} from "../../stacks/schema.ts";
import { IMAGES, recordFor, rolloutRecordOf } from "./lifecycle/fixtures.ts";

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
    images: IMAGES,
    sources: { "mail-triage": "4".repeat(64) },
    workloads: {},
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
    simpleAccuracy: 0.95,
    simpleF1: 0.94,
  },
  steps: 100,
  epochs: 4,
  restarts: 0,
  workers: 2,
};

/** The trained model as a version that can serve. */
export const VERSION: ServedVersion = {
  version: TRAINING_RUN.name,
  model: MODEL,
  record: TRAINING_RECORD,
  training: TRAINING_RECORD,
};

/** The judge of the first version, with nothing to compare it with. */
export const ROLLOUT_RUN: RolloutRun = rolloutRun(TRAINING_RUN, VERSION, undefined, 0);

export const ROLLOUT_RECORD: RolloutRecord = rolloutRecordOf(ROLLOUT_RUN, "promote", {
  completedAt: "2026-11-23T11:30:00Z",
});

/** What the plan says of the stack at each point of a model's life. */
export const OBSERVED = {
  nothing: { records: [], runs: [] },
  dataset: { records: [DATASET_RECORD], runs: [] },
  training: { records: [DATASET_RECORD, TRAINING_RECORD], runs: [] },
  promoted: { records: [DATASET_RECORD, TRAINING_RECORD, ROLLOUT_RECORD], runs: [] },
  trainingFailed: {
    records: [DATASET_RECORD],
    runs: [{ run: TRAINING_RUN.name, model: MODEL.name, kind: "training", state: "failed", reason: "exit code 65" }],
  },
} satisfies Record<string, Observations>;

export function planOf(observations: Observations, stack: Stack = STACK): Plan {
  return plan(stack, observations);
}

/** The stack with all a platform can have and its one model searched, compressed and scaled: every stage and every part. */
export const FULL_STACK: Stack = {
  ...STACK,
  platform: {
    ...STACK.platform,
    autoscaler: autoscalerSchema.parse({ kind: "install" }),
    tracking: trackingSchema.parse({ kind: "mlflow" }),
  },
  models: [
    {
      ...MODEL,
      search: searchSchema.parse({
        trials: 4,
        workers: 2,
        space: [{ kind: "float", name: "learningRate", low: 0.001, high: 0.1, log: true }],
      }),
      compression: compressionSchema.parse({ candidates: [{ name: "int8", steps: [{ kind: "quantize" }] }] }),
      watch: watchSchema.parse({ drift: {} }),
      serving: { ...MODEL.serving, scaling: scalingSchema.parse({ kind: "auto", min: 0, max: 3 }) },
    },
  ],
};

/** What is seen of a stack's whole life, one record after the other, until it is settled. */
export function lifeOf(stack: Stack): readonly Observations[] {
  const moments: Observations[] = [{ records: [], runs: [] }];
  for (let seen = moments[0]!, now = plan(stack, seen); !now.settled; now = plan(stack, seen)) {
    const records = now.models.flatMap(({ runs }) => runs.map((run) => recordFor(stack, run)));
    seen = { ...seen, records: [...seen.records, ...records] };
    moments.push(seen);
  }
  return moments;
}

/** The stack with its one model's serving changed. */
export function withReplicas(replicas: number): Stack {
  return { ...STACK, models: [{ ...MODEL, serving: { ...MODEL.serving, scaling: { kind: "fixed", replicas } } }] };
}
