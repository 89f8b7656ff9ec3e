import { shortHash } from "../core/hash.ts";
import { runName } from "../core/names.ts";
import { CLUSTER_DOMAIN } from "../serving/defaults.ts";
import { PROMETHEUS_NAME, PROMETHEUS_PORT } from "./defaults.ts";

/** Names and addresses that are known before anything is made. */

/** `http://prometheus.<namespace>.svc.cluster.local:9090`. */
export function prometheusUrl(namespace: string): string {
  return `http://${serviceHost(PROMETHEUS_NAME, namespace)}:${PROMETHEUS_PORT}`;
}

/** The headless Service of the metrics of a model's servers, of all its live versions. Named as runs are: by a hash. */
export function serversServiceName(model: string): string {
  return runName(model, "servers", shortHash({ model, part: "servers" }));
}

export function serviceHost(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.${CLUSTER_DOMAIN}`;
}
