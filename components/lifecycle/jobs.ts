import { z } from "zod";
import { COMPONENT_LABEL, MODEL_LABEL, RUN_LABEL } from "../core/labels.ts";
import type { RunStatus } from "./types.ts";

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
});
type Condition = z.infer<typeof condition>;

/** The labels that tie a Job or a pod to its run. An object that carries only some of them is not understood. */
const runLabels = z.object({
  [RUN_LABEL]: z.string().min(1),
  [MODEL_LABEL]: z.string().min(1),
  [COMPONENT_LABEL]: z.enum(["dataset", "search", "training", "compression", "rollout"]),
});

const job = z.object({
  metadata: z.object({ name: z.string(), labels: runLabels, deletionTimestamp: z.string().optional() }),
  spec: z.object({ completions: z.number().optional() }).optional(),
  status: z
    .object({ conditions: z.array(condition).optional(), ready: z.number().optional(), failed: z.number().optional() })
    .optional(),
});
export type Job = z.infer<typeof job>;

const containerStatus = z.object({
  name: z.string(),
  state: z
    .object({ waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional() })
    .optional(),
});

const pod = z.object({
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  status: z
    .object({
      phase: z.string().optional(),
      conditions: z.array(condition).optional(),
      initContainerStatuses: z.array(containerStatus).optional(),
      containerStatuses: z.array(containerStatus).optional(),
    })
    .optional(),
});
export type Pod = z.infer<typeof pod>;

/** What the API answers when asked for Jobs; anything else is refused, so that no other answer passes for an empty list. */
export const jobList = z.object({ kind: z.literal("JobList"), items: z.array(job) });
export const podList = z.object({ kind: z.literal("PodList"), items: z.array(pod) });

/** Whether nothing more will happen to a Job. */
export function isFinished(job: Job): boolean {
  return ended(job) !== undefined;
}

/** What a run's Job is doing. The pods are those of any runs; they tell what one that is not finished waits for. */
export function runStatus(job: Job, pods: readonly Pod[]): RunStatus {
  const { [RUN_LABEL]: run, [MODEL_LABEL]: model, [COMPONENT_LABEL]: kind } = job.metadata.labels;
  return {
    run,
    model,
    kind,
    ...stateOf(
      job,
      pods.filter(({ metadata }) => metadata.labels[RUN_LABEL] === run),
    ),
  };
}

function stateOf(job: Job, pods: readonly Pod[]): Pick<RunStatus, "state" | "reason"> {
  if (job.metadata.deletionTimestamp !== undefined) {
    return { state: "pending", reason: "its Job is being removed" };
  }
  const end = ended(job);
  if (end !== undefined) {
    return end.type === "Failed" ? { state: "failed", ...withReason(inWords(end)) } : { state: "complete" };
  }
  if (isSuspended(job)) {
    return { state: "pending", reason: "it waits in its team's queue" };
  }
  const waiting = pods.map(waitsFor).find((reason) => reason !== undefined);
  const missing = missingOf(job, pods);
  if (missing > 0) {
    const workers = job.spec?.completions ?? 1;
    const who = `${missing} of ${workers} workers ${missing === 1 ? "has" : "have"} no place`;
    return { state: "pending", reason: waiting === undefined ? who : `${who}: ${waiting}` };
  }
  const failed = job.status?.failed ?? 0;
  const restarted =
    failed > 0 ? `${failed} of its pods failed and ${failed === 1 ? "was" : "were"} replaced` : undefined;
  return { state: (job.status?.ready ?? 0) > 0 ? "running" : "pending", ...withReason(waiting ?? restarted) };
}

/** `FailureTarget` and `SuccessCriteriaMet` are decided but not over: pods may still run, and the recorder be writing. */
function ended(job: Job): Condition | undefined {
  return job.status?.conditions?.find(
    ({ type, status }) => (type === "Failed" || type === "Complete") && status === "True",
  );
}

/**
 * Workers of a group that have no place: none of the others can do anything before they have. The workers of a search do
 * not wait for each other.
 */
function missingOf(job: Job, pods: readonly Pod[]): number {
  const workers = job.spec?.completions ?? 1;
  if (job.metadata.labels[COMPONENT_LABEL] !== "training" || workers === 1) {
    return 0;
  }
  const placed = pods.filter(
    ({ status }) =>
      status?.phase !== "Failed" &&
      status?.conditions?.some((each) => each.type === "PodScheduled" && each.status === "True"),
  );
  return workers - new Set(placed.map(({ metadata }) => metadata.annotations?.[INDEX_ANNOTATION])).size;
}

/** Which worker of a Job a pod is. */
const INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index";

/** Whether somebody else says when it may begin, or go on: the queue that it names. It has no pods meanwhile. */
function isSuspended(job: Job): boolean {
  return job.status?.conditions?.some(({ type, status }) => type === "Suspended" && status === "True") ?? false;
}

function waitsFor({ metadata, status }: Pod): string | undefined {
  const unscheduled = status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (unscheduled !== undefined) {
    return `pod ${metadata.name} ${firstSentence(inWords(unscheduled) ?? "is not scheduled")}`;
  }
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const stuck = containers.find(
    ({ state }) => state?.waiting?.reason !== undefined && !STARTING.has(state.waiting.reason),
  );
  return stuck === undefined
    ? undefined
    : `container ${stuck.name} of pod ${metadata.name} ${inWords(stuck.state?.waiting ?? {})}`;
}

/** The scheduler says in the first what is missing, and then what it tried in vain. */
function firstSentence(text: string): string {
  return text.split(". ")[0] ?? text;
}

/** Reasons every pod passes through; nothing is wrong with it. */
const STARTING = new Set(["ContainerCreating", "PodInitializing"]);

function inWords({ reason, message }: { readonly reason?: string | undefined; readonly message?: string | undefined }) {
  const words = [reason, message].filter((part) => part !== undefined && part !== "").join(": ");
  return words === "" ? undefined : words;
}

function withReason(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
