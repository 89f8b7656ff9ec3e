import { at, type Json, type JsonObject, listAt, numberAt, objectAt, textAt } from "../values.ts";
import { conditionOf, isDeleting, nameOf, selectorText } from "./conditions.ts";
import { type Awaiter, failed, type RelatedQuery, ready, waiting } from "./types.ts";

/** Reasons a container waits that are part of starting up. */
const normalWaiting: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing", ""]);

function containerProblem(status: Json): string | undefined {
  const name = textAt(status, "name") ?? "";
  const waits = objectAt(status, "state", "waiting");
  const reason = textAt(waits, "reason") ?? "";
  if (waits !== undefined && !normalWaiting.has(reason)) {
    const last = objectAt(status, "lastState", "terminated");
    const exit = last === undefined ? "" : ` (last exit code ${numberAt(last, "exitCode") ?? "unknown"})`;
    return `container ${name}: ${reason}: ${textAt(waits, "message") ?? ""}${exit}`;
  }
  const terminated = objectAt(status, "state", "terminated");
  const code = numberAt(terminated, "exitCode") ?? 0;
  if (code === 0) return undefined;
  return `container ${name}: exited with code ${code} (${textAt(terminated, "reason") ?? "no reason"}) ${textAt(terminated, "message") ?? ""}`.trimEnd();
}

/** What keeps pods from running, one sentence each with the pod's name. */
export function podProblems(pods: readonly JsonObject[]): string[] {
  return pods
    .filter((pod) => !isDeleting(pod))
    .sort((left, right) => nameOf(left).localeCompare(nameOf(right)))
    .flatMap((pod) => {
      const scheduled = conditionOf(pod, "PodScheduled");
      const statuses = [
        ...listAt(pod, "status", "initContainerStatuses"),
        ...listAt(pod, "status", "containerStatuses"),
      ];
      const problems = statuses.map(containerProblem).filter((problem) => problem !== undefined);
      if (problems.length === 0 && scheduled?.status === "False") problems.push(`not scheduled: ${scheduled.message}`);
      if (problems.length === 0 && textAt(pod, "status", "phase") === "Failed") {
        problems.push(
          `failed: ${textAt(pod, "status", "reason") ?? ""} ${textAt(pod, "status", "message") ?? ""}`.trimEnd(),
        );
      }
      return problems.map((problem) => `pod ${nameOf(pod)}: ${problem}`);
    });
}

export const podResource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

export const podsOf = (object: JsonObject): RelatedQuery[] => [
  { name: "pods", resource: podResource, labelSelector: selectorText(at(object, "spec", "selector")) },
];

export const podAwaiter: Awaiter = {
  timeoutSeconds: 300,
  readiness: (pod) => {
    const phase = textAt(pod, "status", "phase") ?? "Pending";
    if (phase === "Succeeded" || conditionOf(pod, "Ready")?.status === "True") return ready;
    const problems = podProblems([pod]);
    if (phase === "Failed") return failed("the pod failed", problems);
    return waiting(`the pod is ${phase} and not ready`, problems);
  },
};
