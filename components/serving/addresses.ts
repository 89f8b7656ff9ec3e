import { shortHash } from "../core/hash.ts";
import { runName } from "../core/names.ts";
import { CLUSTER_DOMAIN, HTTP_PORT, LOAD_PATH, ROUTER_METRICS_PORT } from "./defaults.ts";

/**
 * Names and addresses of an endpoint's objects. They are known before anything is made, so that others can be told
 * them.
 */

/** `http://<version>.<namespace>.svc.cluster.local:8080`: one version past the router, for as long as it is live. */
export function versionServiceUrl(version: string, namespace: string): string {
  return `http://${versionAddress(version, namespace)}`;
}

/** Where the router finds a version: host and port. */
export function versionAddress(version: string, namespace: string): string {
  return `${serviceHost(version, namespace)}:${HTTP_PORT}`;
}

/** The Prometheus metrics of a model's routers; the name has the address of each that is ready. */
export function routerMetricsUrl(model: string, namespace: string): string {
  return `http://${serviceHost(metricsServiceName(model), namespace)}:${ROUTER_METRICS_PORT}/metrics`;
}

/** What each of a model's routers says of its load, `{"requests": <number>}`; the name has the address of each. */
export function routerLoadUrl(model: string, namespace: string): string {
  return `http://${serviceHost(metricsServiceName(model), namespace)}:${ROUTER_METRICS_PORT}${LOAD_PATH}`;
}

/**
 * The headless Service of the routers' metrics. Named as runs are, by a hash at the end: `<model>-metrics` may be the
 * name, and so the Service, of another model.
 */
export function metricsServiceName(model: string): string {
  return runName(model, "metrics", shortHash({ model, part: "metrics" }));
}

/** The Deployment of a model's routers. */
export function routerName(model: string): string {
  return `${model}-router`;
}

/** The account of a model's servers and routers. */
export function serviceAccountName(model: string): string {
  return `${model}-server`;
}

function serviceHost(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.${CLUSTER_DOMAIN}`;
}
