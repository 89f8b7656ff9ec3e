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

/**
 * Bounds of the alerts of a platform: nodes, accelerators, queues, machines. Those without a source are ours.
 */

/** As KubeNodeNotReady of kubernetes-mixin; half of the time after which EKS and Karpenter replace such a node. */
export const NODE_NOT_READY_SECONDS = 900;
/** As KubeNodePressure of kubernetes-mixin. */
export const NODE_PRESSURE_SECONDS = 600;
/** EKS and Karpenter repair after 30 min (EKS User Guide, "node auto repair"; Karpenter, "node repair"). */
export const NODE_UNHEALTHY_SECONDS = 900;
/** EKS and Karpenter repair after 10 min, and wait for nothing that runs there: what is told later is of no use. */
export const ACCELERATOR_UNHEALTHY_SECONDS = 120;
/** Longer than a node takes from its first report to the first numbers of its devices. */
export const METRICS_MISSING_SECONDS = 900;

/**
 * XID errors after which a device or a node does no more work until it is reset, restarted or replaced; those of programs (13,
 * 31, 43, 45, 94, ...) are not among them.
 *
 * Sources: NVIDIA, "XID Errors" (171 and 172 are only there); NVIDIA/NVSentinel, xiderrorsmapping.csv; aws/eks-node-monitoring-agent
 * 51af549, dcgm_policies.go. They disagree on 63, which NVIDIA would have ignored, and on 109; read 2026-11.
 */
export const HARDWARE_XIDS: readonly number[] = [
  46, 48, 54, 62, 64, 74, 79, 95, 109, 110, 119, 120, 136, 140, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 155,
  156, 158, 160, 162, 171, 172,
];
/** Window of DCGM_EXP_XID_ERRORS_COUNT, by dcgm-exporter's default; the alert holds for as long again. */
export const XID_WINDOW_SECONDS = 300;

/** Fraction of the time in which heat holds a device's clocks down. */
export const THROTTLED_FRACTION = 0.05;
export const THROTTLED_SECONDS = 600;

/** A device that somebody has is idle below this fraction of its time, for an hour (as dstack's policy by utilisation). */
export const IDLE_FRACTION = 0.1;
export const IDLE_SECONDS = 3600;

/** Nothing is admitted for so long though something waits. Less is what a full queue of long trainings looks like. */
export const QUEUE_STUCK_SECONDS = 21_600;
/** Workloads an hour that Kueue took back because their nodes failed or their pods did not start. */
export const QUEUE_EVICTIONS = 3;

/** Two of Karpenter's tries to register a machine, 15 min each (karpenter v1.14.1, nodeclaim/lifecycle/liveness.go). */
export const MACHINES_FAILING_SECONDS = 1800;
