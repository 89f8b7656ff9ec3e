/**
 * The platform's half of workloads/CONTRACT.md: where a container finds its input and leaves its output. Whoever
 * changes this changes the contract.
 */

/** What a workload image runs for any stage; it reads MILLWRIGHT_STAGE. */
export const WORKLOAD_COMMAND = ["millwright-run"];

export const RECORDER_COMMAND = ["python3", "-m", "millwright_recorder"];

/** Container names; the recorder finds the workload's state by its name. */
export const WORKLOAD_CONTAINER = "workload";
export const RECORDER_CONTAINER = "recorder";

/** Exit codes after which another try would end the same: bad spec, bad data, failed verification. */
export const FINAL_EXIT_CODES = [64, 65, 66];

/**
 * What the run needs is not there now, and may be later (EX_TEMPFAIL of sysexits.h). Of a worker of a group: the rest of
 * it has no place, and it gives its own back.
 */
export const UNAVAILABLE_EXIT_CODE = 75;

/** Where a source image carries the raw data. */
export const SOURCE_FOLDER = "/source";

export const FOLDERS = {
  spec: "/millwright/spec",
  input: "/millwright/input",
  baseline: "/millwright/baseline",
  base: "/millwright/base",
  output: "/millwright/output",
  checkpoint: "/millwright/checkpoint",
  secrets: "/millwright/secrets",
  result: "/millwright/result",
  temporary: "/tmp",
} as const;

export const SPEC_FILE = "spec.json";
export const SPEC_PATH = `${FOLDERS.spec}/${SPEC_FILE}`;
/** llm-compressor's recipe, beside the spec of a compression that has one. */
export const RECIPE_FILE = "recipe.yaml";
export const RESULT_PATH = `${FOLDERS.result}/result.json`;
export const PROGRESS_PATH = `${FOLDERS.result}/progress.json`;

/** The port of worker 0 at which the others of its group meet. */
export const RENDEZVOUS_PORT = 29500;

/** The database, on the server of components/platform/database, that holds the studies of all searches. */
export const SEARCH_DATABASE = "optuna";

/** Folders of the artifact store. Every one is named by its run, so no two runs ever write to the same. */
export const artifactFolders = {
  dataset: (run: string) => `datasets/${run}`,
  search: (run: string) => `searches/${run}`,
  training: (run: string) => `training/${run}`,
  compression: (run: string) => `compression/${run}`,
  rollout: (run: string) => `rollouts/${run}`,
  checkpoints: (run: string) => `checkpoints/${run}`,
} as const;

/**
 * Below the folder of a training or compression run: what is served. A training run's folder holds beside it its log
 * and `network/`, from which a compression goes on.
 */
export const MODEL_FOLDER = "model";
