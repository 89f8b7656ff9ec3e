import type { JobArgs } from "@pulumi/kubernetes/batch/v1/job.js";
import type { ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import { canonicalJson } from "../core/hash.ts";
import { FINAL_EXIT_CODES, SPEC_FILE, UNAVAILABLE_EXIT_CODE, WORKLOAD_CONTAINER } from "./contract.ts";
import { placeRun, type RunPod, renderRunPod, runLabels, specName } from "./pod.ts";
import type { RunContext } from "./types.ts";

export interface RunJob extends RunPod {
  /** Restarts of each worker after a failure that is not a disruption. */
  readonly maxRestarts: number;
  /** Seconds until the run counts as failed, over all its restarts. */
  readonly deadlineSeconds: number;
  /**
   * Whose success is the run's: every worker's, where they do one piece of work together, or that of worker 0, where
   * any of them can do what another left and worker 0 sees it through.
   *
   * @default "all"
   */
  readonly succeedsWith?: "all" | "worker 0";
  /**
   * Whether its workers are a gang, of which none can work before all have a place. One that gives its place back for
   * lack of the others is started again, later with each time, and loses no restart by it.
   *
   * @default false
   */
  readonly isGang?: boolean;
}

/**
 * The Job of a run. How it ends:
 *
 * - A disruption (drain, preemption, a lost node) restarts the worker and counts nowhere.
 * - A worker of a gang that gives its place back counts nowhere, too; `deadlineSeconds` bounds how often.
 * - A final exit code fails the Job at once.
 * - Any other failure restarts the worker, `maxRestarts` times. The budget is each index's own: one fault takes a whole
 *   group down, every worker loses one restart by it, so the number means restarts of the group. A budget of the Job's
 *   would be used up `workers` times as fast.
 * - What a worker without restarts left means is {@link renderEnd}'s.
 * - A replacement starts only after its predecessor ended, so that no two write one folder.
 *
 * Where a queue lets it begin, it is made suspended: no pod of it exists before there is room for all of them, and the time
 * it waits does not count towards its deadline. That it begins is the queue's doing, which the engine leaves as it is.
 *
 * Not awaited: it may take days. Its record says when it is done.
 */
export function renderJob(job: RunJob, context: RunContext) {
  const { labels, isQueued } = placeRun(job, context);
  return {
    metadata: {
      name: job.run,
      namespace: context.artifacts.namespace,
      labels: { ...runLabels(job), ...labels },
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec: {
      ...(isQueued ? { suspend: true } : {}),
      completionMode: "Indexed",
      completions: job.workers,
      parallelism: job.workers,
      backoffLimitPerIndex: job.maxRestarts,
      ...renderEnd(job),
      activeDeadlineSeconds: job.deadlineSeconds,
      podReplacementPolicy: "Failed",
      podFailurePolicy: {
        rules: [
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
          ...(job.isGang === true ? [GIVES_PLACE_BACK] : []),
          { action: "FailJob", onExitCodes: { operator: "In", values: FINAL_EXIT_CODES } },
        ],
      },
      template: renderRunPod(job, context),
    },
  } satisfies JobArgs;
}

const GIVES_PLACE_BACK = {
  action: "Ignore",
  onExitCodes: { containerName: WORKLOAD_CONTAINER, operator: "In", values: [UNAVAILABLE_EXIT_CODE] },
};

/**
 * Where all must succeed, the first index without restarts left fails the Job: the others would only wait for it.
 *
 * Where worker 0's success is enough, a lost worker is only a slower run: the Job goes on while one index is left, is
 * complete with index 0, and then stops whoever still works. Without index 0 the others finish their work, which is
 * kept, and then the Job fails: nobody wrote the record.
 */
function renderEnd({ succeedsWith = "all", workers }: RunJob) {
  return succeedsWith === "all"
    ? { maxFailedIndexes: 0 }
    : { maxFailedIndexes: workers - 1, successPolicy: { rules: [{ succeededIndexes: "0" }] } };
}

/** The run's spec as a file, and others beside it. */
export function renderSpec(
  run: Pick<RunPod, "stage" | "model" | "run">,
  namespace: string,
  spec: unknown,
  files: Readonly<Record<string, string>> = {},
) {
  return {
    metadata: { name: specName(run.run), namespace, labels: runLabels(run) },
    immutable: true,
    data: { ...files, [SPEC_FILE]: canonicalJson(spec) },
  } satisfies ConfigMapArgs;
}
