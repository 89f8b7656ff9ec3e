import type { Resources } from "../../stacks/schema.ts";

/** What the recorder of every run may use: it waits for a file and writes one object. */
export const RECORDER_RESOURCES: Resources = { cpu: 0.01, cpuLimit: 0.1, memoryGiB: 0.125 };

/** Restarts of a dataset run after a failure that is not a disruption: it reads files of its own image, so few. */
export const DATASET_MAX_RESTARTS = 2;

/** Seconds a dataset run has to end after SIGTERM; it keeps nothing but finished artifacts. */
export const DATASET_GRACE_SECONDS = 10;

/** Seconds a training worker has, after SIGTERM, to finish its step and write a checkpoint. */
export const TRAINING_GRACE_SECONDS = 60;

/** Seconds a search worker has, after SIGTERM, to finish its step and leave its trial to another worker. */
export const SEARCH_GRACE_SECONDS = 60;

/** Seconds a compression has, after SIGTERM, to finish its step and write a checkpoint. */
export const COMPRESSION_GRACE_SECONDS = 60;

/** Restarts of a rollout's judge after a failure that is not a disruption; it begins its step anew with each. */
export const ROLLOUT_MAX_RESTARTS = 3;

/** Seconds the judge has to end after SIGTERM; a step that was not watched to its end counts for nothing. */
export const ROLLOUT_GRACE_SECONDS = 10;

/** Seconds of one try beyond the step it watches and the wait for its version: to be placed itself, and to pull its image. */
export const ROLLOUT_MARGIN_SECONDS = 600;

/** Seconds a version on trial may take, beyond its servers' own start, to be placed and to pull the image. */
export const PLACEMENT_SECONDS = 120;
