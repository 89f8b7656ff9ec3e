import { shortHash } from "../../core/hash.ts";
import { runName } from "../../core/names.ts";
import { CLUSTER_DOMAIN, HTTP_PORT } from "../defaults.ts";

/** Names and addresses of an endpoint's objects, known before anything is made. */

/**
 * The Deployment or LeaderWorkerSet. Named as runs are, by a hash at the end: a LeaderWorkerSet makes a Service of its own
 * name, and `<endpoint>-servers` may be the name, and so the Service, of another endpoint.
 *
 * At most 48 characters: a group's StatefulSet is called `<set>-<group>`, and its pods have a label of that and 11 more.
 */
export function workloadName(endpoint: string): string {
  return runName(endpoint, "vllm", shortHash({ endpoint, part: "vllm" }));
}

/** `http://<endpoint>.<namespace>.svc.cluster.local:8080`. */
export function endpointUrl(endpoint: string, namespace: string): string {
  return `http://${endpoint}.${namespace}.svc.${CLUSTER_DOMAIN}:${HTTP_PORT}`;
}
