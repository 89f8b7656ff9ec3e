import { MAX_NAME_LENGTH, workerName } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import type { DatasetRun, TrainingRun } from "../lifecycle/types.ts";
import { validateArtifactPath } from "../platform/artifacts.ts";

/** What is wrong with a run. The schema has checked the model; a run also carries names and records. */
export function validateRun(run: DatasetRun | TrainingRun): Problem[] {
  return run.kind === "dataset"
    ? validateNames(run.name, 1)
    : [
        ...validateNames(run.name, run.model.training.workers),
        ...validateArtifactPath("run.dataset.artifact.path", run.dataset.artifact.path),
      ];
}

/** The longest name a run gives is that of its last worker's host. */
function validateNames(run: string, workers: number): Problem[] {
  const host = workerName(run, workers - 1);
  if (host.length <= MAX_NAME_LENGTH && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(host)) {
    return [];
  }
  const message = `must be a DNS label that, with a worker's index, fits into ${MAX_NAME_LENGTH} characters`;
  return [{ path: "run.name", message, value: run }];
}
