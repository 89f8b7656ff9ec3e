import type { ModelSpec, StackContent } from "../../stacks/schema.ts";
import { hashOf } from "../core/hash.ts";
import { runName } from "../core/names.ts";
import type { DatasetRecord, DatasetRun, TrainingRun } from "./types.ts";

/**
 * What makes a run the run it is. A run is named by the hash of everything that determines its result, so the same input
 * is never computed twice, and a changed input is a new run beside the old one.
 */

/** The run that prepares a model's data: the raw data, how it is read and split, and the code that does both. */
export function datasetRun(model: ModelSpec, content: StackContent): DatasetRun {
  const source = content.sources[model.name];
  if (source === undefined) {
    throw new Error(`the stack's content has no source of model ${model.name}; load the stack anew`);
  }
  const { format, split } = model.dataset;
  return {
    kind: "dataset",
    name: nameOf(model, "dataset", { image: content.images.trainer, source, format, split }),
    model,
  };
}

/** The run that trains a model on the dataset a record describes. */
export function trainingRun(model: ModelSpec, dataset: DatasetRecord, content: StackContent): TrainingRun {
  const identity = {
    image: content.images.trainer,
    dataset: { run: dataset.run, sha256: dataset.artifact.sha256 },
    task: model.task,
    parameters: trainingParameters(model),
  };
  return { kind: "training", name: nameOf(model, "training", identity), model, dataset };
}

export type TrainingParameters = Omit<
  ModelSpec["training"],
  "resources" | "deadlineSeconds" | "checkpointSeconds" | "maxRestarts"
>;

/**
 * The part of a model's training that determines what is learned. Everything counts but what is named here, so that a
 * field added to the schema makes a new run until someone has decided otherwise.
 */
export function trainingParameters(model: ModelSpec): TrainingParameters {
  const { resources, deadlineSeconds, checkpointSeconds, maxRestarts, ...parameters } = model.training;
  return parameters;
}

function nameOf(model: ModelSpec, kind: string, identity: object): string {
  return runName(model.name, kind, hashOf({ kind, ...identity }));
}
