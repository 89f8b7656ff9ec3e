import type { ModelSpec, Stack } from "../../stacks/schema.ts";
import { canonicalJson } from "../core/hash.ts";
import { datasetRun, trainingRun } from "./runs.ts";
import type {
  DatasetRecord,
  DatasetRun,
  ModelPlan,
  Observations,
  Plan,
  RunRecord,
  RunStatus,
  ServedVersion,
  TrainingRecord,
  TrainingRun,
} from "./types.ts";

/**
 * Decides which stage every model is in and which resources should exist now. A pure function: no Pulumi, no clock, no
 * randomness. It promises that
 *
 * - the order of observations, and seeing one twice, changes nothing;
 * - a run whose record exists is never declared again;
 * - a model that has a version serving keeps one while new runs prepare, train or fail;
 * - a settled plan stays as it is until the stack or the observations change.
 */
export function plan(stack: Stack, observations: Observations): Plan {
  const models = stack.models.map((model) => planModel(model, stack, observations));
  return { stack, models, settled: models.every(({ stage }) => stage === "stable" || stage === "failed") };
}

function planModel(model: ModelSpec, stack: Stack, observations: Observations): ModelPlan {
  const preparing = datasetRun(model, stack.content);
  const dataset = recordOf(preparing, observations.records);
  if (dataset === undefined) {
    return inProgress(preparing, stack, observations);
  }
  const training = trainingRun(model, dataset, stack.content);
  const trained = recordOf(training, observations.records);
  if (trained === undefined) {
    return inProgress(training, stack, observations);
  }
  return {
    name: model.name,
    stage: "stable",
    reason: `Version ${trained.run} is trained, with a test accuracy of ${trained.metrics.testAccuracy.toFixed(3)}, and serves.`,
    live: served(model, trained),
  };
}

function inProgress(run: DatasetRun | TrainingRun, stack: Stack, { records, runs }: Observations): ModelPlan {
  const status = statusOf(run, runs);
  const previous = newestVersion(run.model, records);
  return {
    name: run.model.name,
    stage: hasFailed(status) ? "failed" : run.kind,
    reason:
      reasonFor(run, status, stack.name) +
      (previous === undefined ? "" : ` Version ${previous.version} keeps serving.`),
    run,
    ...(previous === undefined ? {} : { live: previous }),
  };
}

/** A Job that is complete has been recorded; where the record is gone all the same, no Job will ever write it again. */
function hasFailed(status: RunStatus | undefined): boolean {
  return status?.state === "failed" || status?.state === "complete";
}

const DOING = { dataset: "Prepares its data", training: "Trains" } as const;

function reasonFor(run: DatasetRun | TrainingRun, status: RunStatus | undefined, stackName: string): string {
  const detail = status?.reason === undefined ? "" : `: ${status.reason}`;
  const retry = `then run npm run up -- ${stackName} --retry ${run.model.name}.`;
  switch (status?.state) {
    case undefined:
      return `${DOING[run.kind]}: run ${run.name} starts.`;
    case "pending":
      return `${DOING[run.kind]}: run ${run.name} waits for its pods${detail}.`;
    case "running":
      return `${DOING[run.kind]}: run ${run.name} is running${detail}.`;
    case "failed":
      return `Run ${run.name} failed${detail || " without saying why"}; see kubectl logs job/${run.name} -c workload, ${retry}`;
    case "complete":
      return `Run ${run.name} is complete but its record is gone; someone removed it: ${retry}`;
  }
}

/** The version to keep serving while the current one is not there yet: the one that was finished last. */
function newestVersion(model: ModelSpec, records: readonly RunRecord[]): ServedVersion | undefined {
  const newest = newestOf(
    records.filter((record) => record.kind === "training").filter(({ model: of }) => of === model.name),
  );
  return newest === undefined ? undefined : served(model, newest);
}

function served(model: ModelSpec, record: TrainingRecord): ServedVersion {
  return { version: record.run, model, record };
}

function recordOf(run: DatasetRun, records: readonly RunRecord[]): DatasetRecord | undefined;
function recordOf(run: TrainingRun, records: readonly RunRecord[]): TrainingRecord | undefined;
function recordOf(run: DatasetRun | TrainingRun, records: readonly RunRecord[]): RunRecord | undefined {
  return newestOf(records.filter((record) => record.kind === run.kind && record.run === run.name));
}

function newestOf<T extends RunRecord>(records: readonly T[]): T | undefined {
  return records.reduce<T | undefined>(
    (best, next) => (best !== undefined && isNewer(best, next) ? best : next),
    undefined,
  );
}

/** Whether `a` was finished after `b`; of two finished in the same instant the order of their names decides. */
function isNewer(a: RunRecord, b: RunRecord): boolean {
  const difference = Date.parse(a.completedAt) - Date.parse(b.completedAt);
  return difference !== 0 ? difference > 0 : a.run !== b.run ? a.run > b.run : canonicalJson(a) > canonicalJson(b);
}

/** Of statuses that contradict each other, the one that is furthest, so that their order does not matter. */
const BY_PROGRESS = ["pending", "running", "failed", "complete"] as const;

function statusOf(run: DatasetRun | TrainingRun, runs: readonly RunStatus[]): RunStatus | undefined {
  const rank = (status: RunStatus) => `${BY_PROGRESS.indexOf(status.state)} ${canonicalJson(status)}`;
  return runs
    .filter((status) => status.run === run.name)
    .reduce<RunStatus | undefined>(
      (best, next) => (best !== undefined && rank(best) > rank(next) ? best : next),
      undefined,
    );
}
