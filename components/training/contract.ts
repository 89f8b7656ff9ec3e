/**
 * The platform's half of workloads/CONTRACT.md: where a container finds its input and leaves its output. Whoever changes
 * this changes the contract.
 */

/** What a workload image runs for any stage; it reads MILLWRIGHT_STAGE. */
export const WORKLOAD_COMMAND = ["millwright-run"];

export const RECORDER_COMMAND = ["python3", "-m", "millwright_recorder"];

/** Container names; the recorder finds the workload's state by its name. */
export const WORKLOAD_CONTAINER = "workload";
export const RECORDER_CONTAINER = "recorder";

/** Exit codes after which another try would end the same: bad spec, bad data, failed verification. */
export const FINAL_EXIT_CODES = [64, 65, 66];

/** Where a source image carries the raw data. */
export const SOURCE_FOLDER = "/source";

export const FOLDERS = {
  spec: "/millwright/spec",
  input: "/millwright/input",
  output: "/millwright/output",
  checkpoint: "/millwright/checkpoint",
  result: "/millwright/result",
  temporary: "/tmp",
} as const;

export const SPEC_FILE = "spec.json";
export const RESULT_PATH = `${FOLDERS.result}/result.json`;
export const PROGRESS_PATH = `${FOLDERS.result}/progress.json`;

/** The port of worker 0 at which the others of its group meet. */
export const RENDEZVOUS_PORT = 29500;

/** Folders of the artifact store. Every one is named by its run, so no two runs ever write to the same. */
export const artifactFolders = {
  dataset: (run: string) => `datasets/${run}`,
  training: (run: string) => `training/${run}`,
  checkpoints: (run: string) => `checkpoints/${run}`,
} as const;

/** Below a training run's folder: what is served. The rest of the folder is its log. */
export const MODEL_FOLDER = "model";
