import { at, type JsonObject, listAt, numberAt, textAt } from "../values.ts";
import { conditionOf, isObserved, nameOf, selectorText } from "./conditions.ts";
import { podProblems, podsOf } from "./pods.ts";
import { type Awaiter, failed, type Readiness, type Related, ready, waiting } from "./types.ts";

const count = (object: JsonObject, ...path: string[]): number => numberAt(object, ...path) ?? 0;
const wantedReplicas = (object: JsonObject): number => numberAt(object, "spec", "replicas") ?? 1;

const REVISION = "deployment.kubernetes.io/revision";
const replicaSets = { group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets", namespaced: true };

/** Problems of the pods of the newest ReplicaSet; those of older ones are on their way out. */
function currentPodProblems(deployment: JsonObject, related: Related): string[] {
  const revision = textAt(deployment, "metadata", "annotations", REVISION);
  const newest = related["replicaSets"]?.find((set) => textAt(set, "metadata", "annotations", REVISION) === revision);
  const owner = newest === undefined ? undefined : nameOf(newest);
  const pods = related["pods"] ?? [];
  return podProblems(pods.filter((pod) => textAt(listAt(pod, "metadata", "ownerReferences")[0], "name") === owner));
}

function deploymentReadiness(deployment: JsonObject, related: Related): Readiness {
  if (at(deployment, "spec", "paused") === true) return ready;
  const wanted = wantedReplicas(deployment);
  if (!isObserved(deployment)) return waiting("the controller has not seen the change yet");
  const problems = currentPodProblems(deployment, related);
  const progressing = conditionOf(deployment, "Progressing");
  const updated = count(deployment, "status", "updatedReplicas");
  const available = count(deployment, "status", "availableReplicas");
  const total = count(deployment, "status", "replicas");
  const isRolledOut = updated >= wanted && total <= updated && available >= wanted;
  if (isRolledOut && (progressing === undefined || progressing.status === "True")) return ready;
  const failure = conditionOf(deployment, "ReplicaFailure");
  if (failure?.status === "True") problems.unshift(failure.message);
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return failed(
      `the rollout made no progress for ${count(deployment, "spec", "progressDeadlineSeconds")} s: ${available}/${wanted} pods available`,
      problems,
    );
  }
  if (updated >= wanted && total > updated) return waiting(`${total - updated} old pods still to terminate`, problems);
  return waiting(`${Math.min(updated, available)}/${wanted} pods available`, problems);
}

export const deploymentAwaiter: Awaiter = {
  timeoutSeconds: 600,
  related: (deployment) => [
    { name: "replicaSets", resource: replicaSets, labelSelector: selectorText(at(deployment, "spec", "selector")) },
    ...podsOf(deployment),
  ],
  readiness: deploymentReadiness,
};

export const statefulSetAwaiter: Awaiter = {
  timeoutSeconds: 600,
  related: podsOf,
  readiness: (set, related) => {
    const wanted = wantedReplicas(set);
    if (!isObserved(set)) return waiting("the controller has not seen the change yet");
    const readyReplicas = count(set, "status", "readyReplicas");
    const isManual = textAt(set, "spec", "updateStrategy", "type") === "OnDelete";
    const partition = count(set, "spec", "updateStrategy", "rollingUpdate", "partition");
    const isUpdated =
      isManual ||
      (partition > 0
        ? count(set, "status", "updatedReplicas") >= wanted - partition
        : textAt(set, "status", "currentRevision") === textAt(set, "status", "updateRevision"));
    if (readyReplicas >= wanted && isUpdated) return ready;
    return waiting(
      isUpdated
        ? `${readyReplicas}/${wanted} pods ready`
        : `${count(set, "status", "updatedReplicas")}/${wanted} pods updated`,
      podProblems(related["pods"] ?? []),
    );
  },
};

export const daemonSetAwaiter: Awaiter = {
  timeoutSeconds: 600,
  related: podsOf,
  readiness: (set, related) => {
    if (!isObserved(set)) return waiting("the controller has not seen the change yet");
    const wanted = count(set, "status", "desiredNumberScheduled");
    const isManual = textAt(set, "spec", "updateStrategy", "type") === "OnDelete";
    const updated = isManual ? wanted : count(set, "status", "updatedNumberScheduled");
    const available = count(set, "status", "numberAvailable");
    if (updated >= wanted && available >= wanted) return ready;
    return waiting(`${Math.min(updated, available)}/${wanted} pods available`, podProblems(related["pods"] ?? []));
  },
};

export const replicationAwaiter: Awaiter = {
  timeoutSeconds: 300,
  readiness: (object) => {
    const wanted = wantedReplicas(object);
    if (!isObserved(object)) return waiting("the controller has not seen the change yet");
    const readyReplicas = count(object, "status", "readyReplicas");
    return readyReplicas >= wanted ? ready : waiting(`${readyReplicas}/${wanted} pods ready`);
  },
};

export const jobAwaiter: Awaiter = {
  timeoutSeconds: 600,
  related: podsOf,
  readiness: (job, related) => {
    if (conditionOf(job, "Complete")?.status === "True") return ready;
    // A suspended Job stands still until somebody resumes it: waiting for it would be waiting for a decision.
    if (at(job, "spec", "suspend") === true) return ready;
    const problems = podProblems(related["pods"] ?? []);
    const failure = conditionOf(job, "Failed");
    if (failure?.status === "True") return failed(`the Job failed: ${failure.reason}: ${failure.message}`, problems);
    const wanted = numberAt(job, "spec", "completions") ?? 1;
    return waiting(
      `${count(job, "status", "succeeded")}/${wanted} completions, ${count(job, "status", "active")} pods active`,
      problems,
    );
  },
};
