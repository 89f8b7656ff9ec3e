import type { Resources } from "../../../stacks/schema.ts";

/** Names the server's Service, Deployment and account. */
export const REGISTRY_NAME = "mlflow";

/** Names the mirror's Deployment, account and role. */
export const MIRROR_NAME = `${REGISTRY_NAME}-mirror`;

export const REGISTRY_PORT = 5000;

/** The database, on the server of components/platform/database, that holds MLflow's tables. */
export const REGISTRY_DATABASE = "mlflow";

/** How many clients MLflow counts as for the database: the pool of its runs, and that of its models. */
export const REGISTRY_CLIENTS = 2;

/** What workloads/mlflow runs. */
export const SERVER_COMMAND = ["python", "-m", "millwright_tracking"];
export const MIRROR_COMMAND = ["python", "-m", "millwright_mirror"];

/** Folder of the artifact store that is MLflow's own. */
export const REGISTRY_FOLDER = "mlflow";

/**
 * Folders of the artifact store that the mirror reads, to put copies of what it finds there into MLflow. That of datasets is
 * not among them: raw data may be personal, and MLflow asks nobody for a password.
 */
export const COPIED_FOLDERS = ["training", "compression", "searches", "rollouts"];

/** Where the server keeps its artifacts. */
export const SERVER_ARTIFACTS = "/millwright/mlflow";

export const PASSWORD_FOLDER = "/millwright/secrets/database";

/** In memory, and of the server alone: where it writes the password in the form in which libpq takes it. */
export const PRIVATE_FOLDER = "/millwright/private";

/** Where the mirror finds the artifact store. */
export const STORE_FOLDER = "/millwright/artifacts";

/** Where the mirror leaves the files its probes look for. */
export const SIGNS_FOLDER = "/millwright/signs";

/** Of the server: 200 MiB for its worker, as much for the process that watches over it, and room for uploads and lists. */
export const SERVER_RESOURCES: Resources = { cpu: 0.1, cpuLimit: 1, memoryGiB: 1 };

/** Of the mirror, which is Python's standard library and the records. */
export const MIRROR_RESOURCES: Resources = { cpu: 0.02, cpuLimit: 0.5, memoryGiB: 0.25 };

/** Seconds the server may take to be ready: to bring its tables up, and to load MLflow twice. */
export const SERVER_STARTUP_SECONDS = 180;

export const SERVER_STARTUP_PERIOD_SECONDS = 2;

/** Seconds beyond its own start: to stop the previous server, to be placed, and to pull the image. */
export const SERVER_MARGIN_SECONDS = 180;

/** Seconds from SIGTERM to SIGKILL; requests under way have 20 of them. */
export const SERVER_GRACE_SECONDS = 30;

export const MIRROR_GRACE_SECONDS = 10;

/** Minutes without a sign of life after which the mirror is started anew; it gives one every five, and at each step. */
export const MIRROR_SILENCE_MINUTES = 15;
