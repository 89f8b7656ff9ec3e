import type { Resources } from "../../../stacks/schema.ts";

/** Port vLLM takes requests on, and tells its metrics; see components/catalog/engines.ts. */
export const ENGINE_PORT = 8000;

/** Port at which the servers of a group find their leader; the default of vLLM's `--master-port`. */
export const GROUP_PORT = 29_501;

/** Where weights that are a folder of the artifact store are mounted. */
export const WEIGHTS_FOLDER = "/mnt/models";

/**
 * For each device: what feeds it, and host memory through which weights are read. Ours, and small enough for a node with
 * one device and 4 cores.
 */
export const RESOURCES_A_DEVICE = { cpu: 2, cpuLimit: 4, memoryGiB: 12 } satisfies Resources;

/** Part of a pod's memory that is /dev/shm, which the processes of a node talk through. */
export const SHARED_MEMORY_FRACTION = 0.5;

/** Part of a pod's memory that weights on their way from a bucket may take, all processes together. */
export const STREAM_FRACTION = 0.25;

/** Huge pages of 2 MiB a pod with EFA takes, in GiB; what AWS's own tests of NCCL on EFA ask for. */
export const EFA_HUGEPAGES_GIB = 5;

/** Seconds between two looks at a server that loads. */
export const STARTUP_PERIOD_SECONDS = 10;

/** Seconds a server that is to stop goes on taking requests, until nobody sends it any more. */
export const DRAIN_SECONDS = 15;

/** Seconds a machine may take to start and join, where nodes come on demand. */
export const NODE_STARTUP_SECONDS = 900;

/** Seconds to be placed, and to pull an image of some 10 GB. */
export const ROLLOUT_MARGIN_SECONDS = 600;

/** Bytes a second at which weights are read, for an estimate of the shortest start: see loadSeconds in load.ts. */
export const READ_GB_PER_SECOND = 1;

/** Seconds between two looks at the numbers. */
export const POLL_SECONDS = 15;

/** Looks in vain after which the replicas are kept as they are. */
export const BLIND_POLLS = 4;

/** Percent of the replicas that are taken away in {@link SHRINK_SECONDS}, at most. */
export const SHRINK_PERCENT = 50;
export const SHRINK_SECONDS = 60;

/** Seconds a rise lasts before replicas are added. */
export const GROWTH_STABILISATION_SECONDS = 30;

/** Seconds until KEDA has read a ScaledObject and made what it needs. */
export const SCALER_TIMEOUT_SECONDS = 60;

/** Seconds until a Service whose pods are ready has their addresses. */
export const SERVICE_TIMEOUT_SECONDS = 60;

/** Old ReplicaSets kept, for `kubectl rollout history`. */
export const REVISIONS_KEPT = 3;
