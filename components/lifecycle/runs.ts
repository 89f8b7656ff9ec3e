import type { CandidateSpec, LlmStep, ModelSpec, SearchSpec, StackContent } from "../../stacks/schema.ts";
import { hashOf } from "../core/hash.ts";
import { runName } from "../core/names.ts";
import { withParameters } from "../core/parameters.ts";
import type {
  CompressionRun,
  DatasetRecord,
  DatasetRun,
  RolloutRecord,
  RolloutRun,
  SearchRecord,
  SearchRun,
  ServedVersion,
  TrainingBase,
  TrainingRecord,
  TrainingRun,
  TriggerRecord,
} from "./types.ts";

/**
 * What makes a run the run it is. A run is named by the hash of everything that determines its result, so the same input
 * is never computed twice, and a changed input is a new run beside the old one.
 */

/**
 * The run that prepares a model's data: the raw data, how it is read and split, the code that does both, and what asked for
 * it anew while all of these stayed the same.
 */
export function datasetRun(model: ModelSpec, content: StackContent, trigger?: TriggerRecord): DatasetRun {
  const source = content.sources[model.name];
  if (source === undefined) {
    throw new Error(`the stack's content has no source of model ${model.name}; load the stack anew`);
  }
  const { format, split } = model.dataset;
  return {
    kind: "dataset",
    name: nameOf(model, "dataset", { image: content.images.trainer, source, format, split, trigger: trigger?.run }),
    model,
    ...(trigger === undefined ? {} : { trigger }),
  };
}

/** The run that searches a model's training parameters on a dataset. */
export function searchRun(
  model: ModelSpec,
  search: SearchSpec,
  dataset: DatasetRecord,
  content: StackContent,
): SearchRun {
  const { trials, timeoutSeconds, workers, maxRestarts, resources, deadlineSeconds, ...drawing } = search;
  const trial = {
    ...learningOf(model, dataset, content.images.trainer),
    parameters: trainingParameters(model.training),
    drawing,
  };
  return {
    kind: "search",
    name: nameOf(model, "search", { ...trial, trials, timeoutSeconds }),
    model,
    search,
    dataset,
    study: nameOf(model, "study", trial),
  };
}

/**
 * The run that trains a model on a dataset, with what a search found where there was one, from scratch or from what another
 * training left. One that starts from scratch is the same run whether the stack wants that or there was nothing to start from.
 */
export function trainingRun(
  model: ModelSpec,
  dataset: DatasetRecord,
  content: StackContent,
  search?: SearchRecord,
  base?: TrainingBase,
): TrainingRun {
  const training = search === undefined ? model.training : withParameters(model.training, search.best.parameters);
  const image = trainingImage(model, content);
  const identity = { ...learningOf(model, dataset, image), parameters: trainingParameters(training), base };
  return {
    kind: "training",
    name: nameOf(model, "training", identity),
    model,
    training,
    dataset,
    ...(base === undefined ? {} : { base }),
  };
}

/** What another training can start from: what this one left. */
export function baseOf({ run, artifact }: TrainingRecord): TrainingBase {
  return { run, sha256: artifact.sha256 };
}

/** What llm-compressor is to do for a candidate, where that is what makes it. */
export function llmStepOf({ steps }: CandidateSpec): LlmStep | undefined {
  return steps.find((step) => step.kind === "llm");
}

/** The run that makes and measures one candidate from a trained model. */
export function compressionRun(
  { model, training, dataset }: TrainingRun,
  baseline: TrainingRecord,
  candidate: CandidateSpec,
  content: StackContent,
): CompressionRun {
  const identity = {
    // What an image of the step's own makes does not depend on the one that trains.
    image: llmStepOf(candidate)?.image ?? trainingImage(model, content),
    baseline: { run: baseline.run, sha256: baseline.artifact.sha256 },
    steps: candidate.steps,
  };
  return {
    kind: "compression",
    name: nameOf(model, "compression", identity),
    model,
    training,
    dataset,
    baseline,
    candidate,
  };
}

/** What a version on trial is compared with, and the record that made it what serves. */
export interface Incumbent {
  readonly version: ServedVersion;
  readonly promotion: RolloutRecord;
}

/**
 * The run that judges one step of a rollout. It is named after the promotion it would follow, so that a version which comes
 * back after another one served is judged anew, and one that was rolled back is not.
 */
export function rolloutRun(
  { model, dataset }: Pick<TrainingRun, "model" | "dataset">,
  candidate: ServedVersion,
  incumbent: Incumbent | undefined,
  step: number,
  triggered = false,
): RolloutRun {
  const { resources, ...rules } = model.serving.canary;
  // Where nothing serves there is nothing to protect, and no reason to keep anybody waiting.
  const weights = incumbent === undefined ? [100] : rules.weights;
  const identity = {
    candidate: { run: candidate.version, sha256: candidate.record.artifact.sha256 },
    follows: incumbent?.promotion.run ?? null,
    dataset: dataset.run,
    rules: { ...rules, weights },
    step,
  };
  return {
    kind: "rollout",
    name: nameOf(model, "rollout", identity),
    model,
    dataset,
    candidate,
    ...(incumbent === undefined ? {} : { stable: incumbent.version }),
    step,
    weights,
    triggered,
  };
}

export type TrainingParameters = Omit<
  ModelSpec["training"],
  | "start"
  | "resources"
  | "deadlineSeconds"
  | "checkpointSeconds"
  | "checkpointRetention"
  | "gangSeconds"
  | "maxRestarts"
>;

/**
 * The part of a training that determines what is learned, beside what it starts from. Everything counts but what is named
 * here, so that a field added to the schema makes a new run until someone has decided otherwise.
 */
export function trainingParameters(training: ModelSpec["training"]): TrainingParameters {
  const {
    start,
    resources,
    deadlineSeconds,
    checkpointSeconds,
    checkpointRetention,
    gangSeconds,
    maxRestarts,
    ...rest
  } = training;
  return rest;
}

/** The content of the image that trains a model, and compresses what it trained: the trainer, unless the model names one. */
function trainingImage(model: ModelSpec, content: StackContent): string {
  if (model.workload === undefined) {
    return content.images.trainer;
  }
  const image = content.workloads[model.name];
  if (image === undefined) {
    throw new Error(`the stack's content has no workload image of model ${model.name}; load the stack anew`);
  }
  return image;
}

/** What every run that learns from a dataset depends on; `image` is the content of the image that learns. */
function learningOf(model: ModelSpec, dataset: DatasetRecord, image: string) {
  return {
    image,
    dataset: { run: dataset.run, sha256: dataset.artifact.sha256 },
    task: model.task,
  };
}

function nameOf(model: ModelSpec, kind: string, identity: object): string {
  return runName(model.name, kind, hashOf({ kind, ...identity }));
}
