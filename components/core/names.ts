import { SHORT_HASH_LENGTH } from "./hash.ts";

/** Longest name Kubernetes takes for a label value, a Service, a host name and, to be safe, for everything else. */
export const MAX_NAME_LENGTH = 63;

/** Longest model name; every name made of it below then fits into {@link MAX_NAME_LENGTH}. */
export const MAX_MODEL_NAME_LENGTH = 32;

/** Most workers of one run; their indices appear in pod names. */
export const MAX_WORKERS = 1024;

/**
 * `<model>-<kind>-<hash>`. Neither kind nor hash holds a `-`, so the model can be read back from the name and two models
 * never share one.
 */
export function runName(model: string, kind: string, hash: string): string {
  return `${model}-${kind}-${hash.slice(0, SHORT_HASH_LENGTH)}`;
}

/** The ConfigMap that holds the record of a run. */
export function recordName(run: string): string {
  return `record-${run}`;
}

/** The image that carries the raw data of a model, below the stack's registry. */
export function sourceImageName(model: string): string {
  return `source-${model}`;
}

/** The image that trains a model in place of the trainer, below the stack's registry. */
export function workloadImageName(model: string): string {
  return `workload-${model}`;
}

/** The headless Service of a run's workers. Not the run's own name: a version that is served has a Service of that. */
export function groupName(run: string): string {
  return `${run}-group`;
}

/** Host name of one worker of a run, the stem of its pod's name. */
export function workerName(run: string, index: number): string {
  return `${run}-${index}`;
}
