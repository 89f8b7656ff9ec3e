import { CAPTURED_FOLDER, capturedFolder } from "../platform/artifacts.ts";
import { artifactFolders, FOLDERS, SOURCE_FOLDER } from "./contract.ts";
import { DATASET_GRACE_SECONDS, DATASET_MAX_RESTARTS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import type { DatasetJobArgs } from "./types.ts";

/**
 * The objects of a dataset run: one worker that turns raw data into the three splits. The data lies in the worker's
 * image, or, for a source that is built in, in a package the trainer's image has anyway.
 */
export function renderDataset(args: DatasetJobArgs) {
  const { run } = args;
  const { source, format, split, resources, deadlineSeconds } = run.model.dataset;
  const folder = artifactFolders.dataset(run.name);
  const isTriggered = run.trigger !== undefined;
  const job: RunJob = {
    stage: "dataset",
    model: run.model.name,
    run: run.name,
    workers: 1,
    resources,
    deadlineSeconds,
    maxRestarts: DATASET_MAX_RESTARTS,
    graceSeconds: DATASET_GRACE_SECONDS,
    artifactPath: folder,
    mounts: [
      { mountPath: FOLDERS.output, folder },
      ...(isTriggered ? [{ mountPath: CAPTURED_FOLDER, folder: capturedFolder(run.model.name), readOnly: true }] : []),
    ],
    env: {
      ...(source.kind === "builtin" ? {} : { MILLWRIGHT_SOURCE: SOURCE_FOLDER }),
      ...(isTriggered ? { MILLWRIGHT_CAPTURED: CAPTURED_FOLDER } : {}),
    },
  };
  const spec = { format, split, ...(isTriggered ? { captured: true } : {}) };
  return { spec: renderSpec(job, args.artifacts.namespace, spec), job: renderJob(job, args) };
}
