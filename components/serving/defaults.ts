import type { Resources } from "../../stacks/schema.ts";

/** Port of requests over HTTP: the router's, and every Service's. Which port a server listens on is its engine's. */
export const HTTP_PORT = 8080;

/** Port of the router's metrics, and of its own health. */
export const ROUTER_METRICS_PORT = 8404;

/** Path of the router's load, on the port of its metrics. */
export const LOAD_PATH = "/load";

/** What the names of Services end in; every cluster has it unless its kubelets were told another. */
export const CLUSTER_DOMAIN = "cluster.local";

/** Where the router finds its configuration. */
export const ROUTER_FOLDER = "/etc/millwright";
export const ROUTER_FILE = "haproxy.cfg";

/**
 * Seconds between two looks at a server that starts; the model is in service at most this much later than it could
 * be.
 */
export const STARTUP_PERIOD_SECONDS = 2;

/** Seconds a router may take to start: it does nothing but look up the versions' names. */
export const ROUTER_STARTUP_SECONDS = 60;

/**
 * Seconds a router that is to stop goes on as if nothing were: nodes and clients learn of its leaving only after it was
 * told.
 */
export const DRAIN_SECONDS = 5;

/** Seconds a client may keep a connection to a router without a request. */
export const IDLE_SECONDS = 30;

/**
 * Seconds a server that is to stop goes on taking requests: those of a router that leaves at the same time, and does
 * not know yet that the server's version is no longer wanted.
 */
export const SERVER_DRAIN_SECONDS = DRAIN_SECONDS + 5;

/** Seconds a request is held while no server takes it: while a version starts, also from no servers at all. */
export const HOLD_SECONDS = 60;

/** Seconds a request waits for its turn while the servers have as many as they are given at a time. */
export const QUEUE_SECONDS = 60;

/**
 * Requests a server of a version that is scaled is given at a time, by all routers together, at least. The cluster chooses a server for each request at random: with this
 * many a server on average one in fifty, exp(-4), has nothing to do.
 */
export const REQUESTS_PER_SCALED_SERVER = 4;

/**
 * Seconds between two looks at the routers' load; a version that sleeps wakes at most this much later than it could.
 */
export const POLL_SECONDS = 2;

/** Looks in vain after which the servers are kept as they are. */
export const BLIND_POLLS = 3;

/** Seconds for which a router that had a request says so: no look misses one that was answered in between. */
export const RECENT_SECONDS = 10;

/** Load a router tells when it has no request but had one: not none, and far from calling for another server. */
export const RECENT_LOAD = 0.001;

/** Seconds beyond a server's own start until a version that slept answers: to be noticed, placed, and found ready. */
export const WAKE_MARGIN_SECONDS = 30;

/** Seconds a rise lasts before servers are added: one look of the HorizontalPodAutoscaler by its default. */
export const GROWTH_STABILISATION_SECONDS = 15;

/** Percent of the servers that are taken away in {@link SHRINK_SECONDS}, at most. */
export const SHRINK_PERCENT = 50;
export const SHRINK_SECONDS = 60;

/** Seconds until KEDA has read a ScaledObject and made what it needs. */
export const SCALER_TIMEOUT_SECONDS = 60;

/** Connections of clients a router takes at a time; the rest wait in the kernel. This bounds its memory. */
export const ROUTER_CONNECTIONS = 1000;

/** Connections beyond those for probes and metrics, so that a router full of requests does not pass for a dead one. */
export const ROUTER_SPARE_CONNECTIONS = 50;

/** Bytes of a request that a router keeps, to send them to another server when one broke down over it. */
export const ROUTER_BUFFER_BYTES = 32_768;

/** Longest body of a request. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * One thread of HAProxy takes thousands of requests a second; 1000 clients that wait with 30 kB each make it 55 MiB.
 */
export const ROUTER_RESOURCES: Resources = { cpu: 0.1, cpuLimit: 1, memoryGiB: 0.125 };

/** Routers of an endpoint with more than one server: the second is there for when the first one's node is lost. */
export const MAX_ROUTERS = 2;

/** Seconds beyond the pods' own start: to be placed, and to pull the image. */
export const ROLLOUT_MARGIN_SECONDS = 120;

/** Seconds until a Service whose pods are ready has their addresses. */
export const SERVICE_TIMEOUT_SECONDS = 60;

/** Old ReplicaSets kept, for `kubectl rollout history`. */
export const REVISIONS_KEPT = 3;
