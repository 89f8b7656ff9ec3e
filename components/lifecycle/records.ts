import { z } from "zod";
import { MODEL_LABEL, RECORD_LABEL } from "../core/labels.ts";
import { recordName } from "../core/names.ts";
import { formatPath } from "../core/problem.ts";
import type { RunRecord } from "./types.ts";

/** The key of a record ConfigMap's data that holds the record. */
export const RECORD_KEY = "record.json";

const count = z.number().int().nonnegative();
const fraction = z.number().min(0).max(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const base = {
  model: z.string().min(1),
  run: z.string().min(1),
  completedAt: z.iso.datetime(),
  artifact: z.object({ path: z.string().min(1), sha256, bytes: count }),
  seconds: z.number().nonnegative(),
};

const splitSummary = z.object({ items: count, labels: z.record(z.string(), count) });

const datasetRecord = z.object({
  kind: z.literal("dataset"),
  ...base,
  labels: z.array(z.string().min(1)).min(2),
  splits: z.object({ train: splitSummary, validation: splitSummary, test: splitSummary }),
  duplicatesDropped: count,
  leakedItems: z.literal(0),
});

const trainingBase = z.object({ run: z.string().min(1), sha256 });

const trainingRecord = z.object({
  kind: z.literal("training"),
  ...base,
  dataset: z.string().min(1),
  metrics: z
    .object({
      testAccuracy: fraction,
      testF1: fraction,
      validationAccuracy: fraction,
      majorityAccuracy: fraction,
      majorityF1: fraction,
      simpleAccuracy: fraction,
      simpleF1: fraction,
    })
    .catchall(z.number()),
  steps: count,
  epochs: count,
  restarts: count,
  workers: z.number().int().min(1),
  spec: z.object({ base: trainingBase.optional() }).optional(),
});

const searchRecord = z.object({
  kind: z.literal("search"),
  ...base,
  dataset: z.string().min(1),
  best: z.object({
    parameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
    values: z.array(z.number()).min(1),
  }),
  trials: z.object({ completed: count, pruned: count, failed: count }),
});

const measurement = z.object({
  testAccuracy: fraction,
  testF1: fraction,
  bytes: count,
  parameters: count,
  latencyP50Ms: z.number().nonnegative(),
  latencyP99Ms: z.number().nonnegative(),
  throughputPerSecond: z.number().nonnegative(),
  sparsity: fraction,
});

const compressionRecord = z.object({
  kind: z.literal("compression"),
  ...base,
  training: z.string().min(1),
  candidate: z.string().min(1),
  baseline: measurement,
  result: measurement,
});

const versionEvidence = z.object({
  requests: count,
  errors: count,
  p50Ms: z.number().nonnegative(),
  p99Ms: z.number().nonnegative(),
  accuracy: fraction,
  liveRequests: count,
  liveErrors: count,
});

const rolloutRecord = z.object({
  kind: z.literal("rollout"),
  ...base,
  candidate: z.string().min(1),
  stable: z.string().min(1).nullable(),
  step: count,
  weight: z.number().min(0).max(100),
  verdict: z.enum(["advance", "promote", "rollback"]),
  reasons: z.array(z.string()),
  evidence: z.object({
    candidate: versionEvidence,
    stable: versionEvidence.nullable(),
    agreement: fraction.nullable(),
  }),
});

const triggerRecord = z.object({
  kind: z.literal("trigger"),
  ...base,
  reason: z.enum(["drift", "quality", "schedule"]),
  version: z.string().min(1),
});

/**
 * Fields a newer workload adds are dropped, not refused: records outlive the program that wrote them. Fields this program
 * needs must be there.
 */
const record: z.ZodType<RunRecord> = z.discriminatedUnion("kind", [
  datasetRecord,
  searchRecord,
  trainingRecord,
  compressionRecord,
  rolloutRecord,
  triggerRecord,
]);

const recordConfigMap = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).optional() }),
  data: z.record(z.string(), z.string()).optional(),
});

/** The part of a ConfigMap that matters here. */
export type RecordConfigMap = z.infer<typeof recordConfigMap>;

/** What the API answers when asked for ConfigMaps; anything else is refused, so that it cannot pass for an empty list. */
export const recordList = z.object({ kind: z.literal("ConfigMapList"), items: z.array(recordConfigMap) });

/** A ConfigMap that is labelled as a record but holds none that can be read. */
export class RecordError extends Error {
  override readonly name = "RecordError";

  constructor(configMap: string, reason: string) {
    super(`ConfigMap ${configMap} is labelled as a record but ${reason}`);
  }
}

/**
 * Reads the record a ConfigMap holds.
 *
 * @throws RecordError that names the ConfigMap: a record that cannot be read is unknown, and unknown is not absent.
 */
export function parseRecord(configMap: RecordConfigMap): RunRecord {
  const { name, labels = {} } = configMap.metadata;
  const text = configMap.data?.[RECORD_KEY];
  if (text === undefined) {
    throw new RecordError(name, `its data has no ${RECORD_KEY}`);
  }
  const parsed = record.safeParse(parseJson(name, text));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${formatPath(issue.path) || "(root)"}: ${issue.message}`);
    throw new RecordError(name, `its ${RECORD_KEY} is not a record: ${faults.join("; ")}`);
  }
  const { kind, model, run } = parsed.data;
  for (const [what, said, found] of [
    ["its name", recordName(run), name],
    [`its label ${RECORD_LABEL}`, kind, labels[RECORD_LABEL]],
    [`its label ${MODEL_LABEL}`, model, labels[MODEL_LABEL]],
  ] as const) {
    if (said !== found) {
      throw new RecordError(name, `${what} should be ${said} by its ${RECORD_KEY}, and is ${found ?? "missing"}`);
    }
  }
  return parsed.data;
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordError(
      name,
      `its ${RECORD_KEY} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
