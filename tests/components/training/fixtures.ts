import { compressionRun, rolloutRun, searchRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type { SearchRecord, ServedVersion } from "../../../components/lifecycle/types.ts";
import type { RunContext } from "../../../components/training/types.ts";
import { type ModelSpec, modelSchema } from "../../../stacks/schema.ts";
import { DATASET_RECORD, MODEL, ROLLOUT_RECORD, STACK, TRAINING_RECORD, VERSION } from "../fixtures.ts";

export const CONTEXT: RunContext = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  serviceAccountName: "mail-triage-runs",
  images: { workload: "trainer@sha256:1", recorder: "recorder@sha256:2" },
};

/** The model of the fixtures, searched and compressed, with every kind of parameter and step there is. */
export const TUNED: ModelSpec = modelSchema.parse({
  ...MODEL,
  search: {
    trials: 12,
    workers: 3,
    epochs: 2,
    timeoutSeconds: 900,
    objectives: [{ metric: "validationAccuracy", direction: "maximize" }],
    space: [
      { kind: "categorical", name: "batchSize", choices: [32, 64] },
      { kind: "float", name: "learningRate", low: 0.0001, high: 0.1, log: true },
      { kind: "integer", name: "network.channels", low: 8, high: 64, step: 8 },
      { kind: "float", name: "network.dropout", low: 0, high: 0.5, when: { parameter: "batchSize", equals: 32 } },
    ],
  },
  compression: {
    measureSeconds: 5,
    candidates: [
      {
        name: "all",
        steps: [
          { kind: "distill", network: { channels: 16 } },
          { kind: "prune", target: { kind: "sparsity", sparsity: 0.5 } },
          { kind: "prune", importance: "magnitude", target: { kind: "threshold", threshold: 0.001 } },
          { kind: "quantize", method: "qat" },
        ],
      },
    ],
  },
});

export const SEARCH_RUN = searchRun(TUNED, TUNED.search!, DATASET_RECORD, STACK.content);

const SEARCH_RECORD: SearchRecord = {
  kind: "search",
  model: TUNED.name,
  run: SEARCH_RUN.name,
  completedAt: "2026-11-23T10:30:00Z",
  artifact: { path: `searches/${SEARCH_RUN.name}`, sha256: "7".repeat(64), bytes: 300 },
  seconds: 60,
  dataset: DATASET_RECORD.run,
  best: { parameters: { learningRate: 0.02, "network.channels": 48 }, values: [0.97] },
  trials: { completed: 12, pruned: 0, failed: 0 },
};

/** The training with what the search found in it. */
export const TUNED_TRAINING_RUN = trainingRun(TUNED, DATASET_RECORD, STACK.content, SEARCH_RECORD);

export const COMPRESSION_RUN = compressionRun(
  TUNED_TRAINING_RUN,
  { ...TRAINING_RECORD, run: TUNED_TRAINING_RUN.name },
  TUNED.compression!.candidates[0]!,
  STACK.content,
);

const CANDIDATE: ServedVersion = { ...VERSION, version: `${MODEL.name}-training-fedcba9876` };

/** The second of two steps of a version that would follow the one that serves. */
export const ROLLOUT_STEP_RUN = rolloutRun(
  TUNED_TRAINING_RUN,
  CANDIDATE,
  { version: VERSION, promotion: ROLLOUT_RECORD },
  1,
);
