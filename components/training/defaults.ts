import type { Resources } from "../../stacks/schema.ts";

/** What the recorder of every run may use: it waits for a file and writes one object. */
export const RECORDER_RESOURCES: Resources = { cpu: 0.01, cpuLimit: 0.1, memoryGiB: 0.125 };

/** Restarts of a dataset run after a failure that is not a disruption: it reads files of its own image, so few. */
export const DATASET_MAX_RESTARTS = 2;

/** Seconds a dataset run has to end after SIGTERM; it keeps nothing but finished artifacts. */
export const DATASET_GRACE_SECONDS = 10;

/** Seconds a training worker has, after SIGTERM, to finish its step and write a checkpoint. */
export const TRAINING_GRACE_SECONDS = 60;
