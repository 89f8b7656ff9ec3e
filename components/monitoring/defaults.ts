import type { Resources } from "../../stacks/schema.ts";

/** Names Prometheus' Service, StatefulSet, account, configuration and claim: one serves the whole namespace. */
export const PROMETHEUS_NAME = "prometheus";
export const PROMETHEUS_PORT = 9090;
export const PROMETHEUS_COMMAND = "prometheus";

/** Where it finds its configuration and its data. */
export const CONFIG_FOLDER = "/etc/millwright/prometheus";
export const CONFIG_FILE = "prometheus.yml";
export const PROMETHEUS_FOLDER = "/millwright/prometheus";

/** Folder of the artifact store that holds the data where the store is a folder of one node. */
export const STORE_FOLDER = "prometheus";

/** Size of the claim where the data has one of its own. */
export const CLAIM_SIZE_GIB = 4;

/** Oldest data go beyond this size, or {@link retentionSeconds} if that is sooner. A model takes some 20 MB a week. */
export const DATA_GIB = 2;

/** Shortest time data are kept: long enough to look at yesterday. */
export const RETENTION_SECONDS = 172_800;

export const SCRAPE_SECONDS = 10;
/** A target that takes longer counts as down for this once. */
export const SCRAPE_TIMEOUT_SECONDS = 5;

/** It replays what it had in memory when it ended. */
export const PROMETHEUS_STARTUP_SECONDS = 120;
/** Seconds beyond the start: to stop the one before, to be placed, and to pull the image. */
export const PROMETHEUS_MARGIN_SECONDS = 150;
/** Seconds until a Service whose pod is ready has its address. */
export const SERVICE_TIMEOUT_SECONDS = 60;

export const PROMETHEUS_RESOURCES: Resources = { cpu: 0.1, cpuLimit: 1, memoryGiB: 0.5 };

/** Window of what is compared where a model's drift is only measured; the default of the schema. */
export const DRIFT_WINDOW_SECONDS = 3600;
export const DRIFT_MIN_REQUESTS = 500;
export const QUALITY_WINDOW_SECONDS = 604_800;
/** Fall of the accuracy on labels that is told of where a stack says nothing of it; defaults of the schema, too. */
export const QUALITY_MAX_ACCURACY_DROP = 0.05;
export const QUALITY_MIN_LABELS = 500;
/** How long the accuracy must stay so low: labels come late, and in heaps. */
export const QUALITY_SUSTAIN_SECONDS = 300;

/** A population stability index above this is a moderate change (Siddiqi, "Credit Risk Scorecards", 2006). */
export const SHIFT_THRESHOLD = 0.1;
export const SHIFT_SUSTAIN_SECONDS = 600;

/** Fraction of requests that may fail: an objective of 99.9 %. */
export const ERROR_BUDGET = 0.001;

/** Seconds above which the slowest hundredth of the requests is too slow. */
export const SLOW_SECONDS = 1;

export const WATCHER_NAME = "watcher";
export const WATCHER_COMMAND = ["python3", "-m", "millwright_recorder.watch"];
export const WATCH_FOLDER = "/millwright/watch";
export const WATCH_FILE = "watch.json";
export const WATCHER_RESOURCES: Resources = { cpu: 0.02, cpuLimit: 0.25, memoryGiB: 0.0625 };
