import { artifactFolders, FOLDERS, SOURCE_FOLDER } from "./contract.ts";
import { DATASET_GRACE_SECONDS, DATASET_MAX_RESTARTS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import type { DatasetJobArgs } from "./types.ts";

/** The objects of a dataset run: one worker that turns the raw data of its image into the three splits. */
export function renderDataset(args: DatasetJobArgs) {
  const { run } = args;
  const { format, split, resources, deadlineSeconds } = run.model.dataset;
  const folder = artifactFolders.dataset(run.name);
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
    mounts: [{ mountPath: FOLDERS.output, folder }],
    env: { MILLWRIGHT_SOURCE: SOURCE_FOLDER },
  };
  return { job: renderJob(job, args), spec: renderSpec(job, args.artifacts.namespace, { format, split }) };
}
