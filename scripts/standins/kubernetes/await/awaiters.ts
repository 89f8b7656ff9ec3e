import { annotationOf, annotations, isAnnotated } from "../annotations.ts";
import { kindKey, kindOf } from "../kinds.ts";
import type { JsonObject } from "../values.ts";
import * as objects from "./objects.ts";
import { podAwaiter } from "./pods.ts";
import type { Awaiter } from "./types.ts";
import { waitForAwaiter } from "./waitFor.ts";
import * as workloads from "./workloads.ts";

const awaiters: Readonly<Record<string, Awaiter>> = {
  "apps/v1/DaemonSet": workloads.daemonSetAwaiter,
  "apps/v1/Deployment": workloads.deploymentAwaiter,
  "apps/v1/ReplicaSet": workloads.replicationAwaiter,
  "apps/v1/StatefulSet": workloads.statefulSetAwaiter,
  "batch/v1/Job": workloads.jobAwaiter,
  "networking.k8s.io/v1/Ingress": objects.ingressAwaiter,
  "apiextensions.k8s.io/v1/CustomResourceDefinition": objects.definitionAwaiter,
  "v1/Namespace": objects.namespaceAwaiter,
  "v1/PersistentVolume": objects.volumeAwaiter,
  "v1/PersistentVolumeClaim": objects.claimAwaiter,
  "v1/Pod": podAwaiter,
  "v1/ReplicationController": workloads.replicationAwaiter,
  "v1/ResourceQuota": objects.quotaAwaiter,
  "v1/Secret": objects.secretAwaiter,
  "v1/Service": objects.serviceAwaiter,
};

/**
 * How to wait for an object, or undefined if there is nothing to wait for.
 *
 * @param declared what the program says; its annotations decide
 * @throws ExpressionProblem for a `waitFor` annotation that does not parse
 */
export function awaiterFor(declared: JsonObject): Awaiter | undefined {
  if (isAnnotated(declared, annotations.skipAwait)) return undefined;
  const waitFor = annotationOf(declared, annotations.waitFor);
  return waitFor === undefined ? awaiters[kindKey(kindOf(declared))] : waitForAwaiter(waitFor);
}
