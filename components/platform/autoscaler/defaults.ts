import type { Resources } from "../../../stacks/schema.ts";

/** Names of the operator's and the metrics server's objects; KEDA expects the Services to be called so. */
export const OPERATOR_NAME = "keda-operator";
export const METRICS_NAME = "keda-metrics-apiserver";

/** Names of what belongs to the cluster. It has at most one KEDA, since the API below has one server. */
export const OPERATOR_ROLE = "keda-operator";
export const METRICS_ROLE = "keda-metrics-apiserver";
export const READER_ROLE = "keda-external-metrics-reader";

/** The API the HorizontalPodAutoscaler asks for numbers; its one server is the metrics server. */
export const METRICS_API = { group: "external.metrics.k8s.io", version: "v1beta1" } as const;

/** The Secret in which the operator keeps the certificates it makes and renews. */
export const CERTIFICATES_SECRET = "kedaorg-certs";
export const CERTIFICATES_FOLDER = "/certs";

/** Ports of the operator: its health, and its numbers for the metrics server. */
export const OPERATOR_HEALTH_PORT = 8081;
export const OPERATOR_METRICS_PORT = 9666;

/** Port of the metrics server. */
export const METRICS_PORT = 6443;

/** What scales a few dozen versions; both wait most of the time. */
export const OPERATOR_RESOURCES: Resources = { cpu: 0.05, cpuLimit: 1, memoryGiB: 0.375 };
export const METRICS_RESOURCES: Resources = { cpu: 0.05, cpuLimit: 0.5, memoryGiB: 0.1875 };

/**
 * Seconds either may take to start. At its very first start the operator makes its certificates and begins anew to read
 * them, and the metrics server waits for them.
 */
export const AUTOSCALER_STARTUP_SECONDS = 180;

/** Seconds beyond the start: to be placed, and to pull the image. */
export const AUTOSCALER_MARGIN_SECONDS = 120;

/** Seconds until a Service whose pods are ready has their addresses. */
export const AUTOSCALER_SERVICE_TIMEOUT_SECONDS = 60;

/** Seconds until the API server has found the metrics server behind the Service. */
export const AUTOSCALER_API_TIMEOUT_SECONDS = 120;

/** Raised when workloads/autoscaler/Dockerfile changes what is built from the same image. */
export const IMAGE_RECIPE = 1;
