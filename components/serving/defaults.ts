/** Ports of the server: requests over HTTP, and its metrics. */
export const HTTP_PORT = 8080;
export const METRICS_PORT = 8082;

/** Where the server finds the model. */
export const MODEL_FOLDER = "/mnt/models";

/** Seconds between two looks at a server that starts; the model is in service at most this much later than it could be. */
export const STARTUP_PERIOD_SECONDS = 2;

/**
 * Seconds a server that is to stop goes on taking requests: nodes and clients learn of its leaving only after it was
 * told.
 */
export const DRAIN_SECONDS = 5;

/** Seconds from there for the requests under way. */
export const REQUEST_GRACE_SECONDS = 30;

/** Seconds beyond the servers' own start: to be placed, and to pull the image. */
export const ROLLOUT_MARGIN_SECONDS = 120;

/** Seconds until a Service whose servers are ready has their addresses. */
export const SERVICE_TIMEOUT_SECONDS = 60;

/** Old ReplicaSets kept, for `kubectl rollout history`. */
export const REVISIONS_KEPT = 3;
