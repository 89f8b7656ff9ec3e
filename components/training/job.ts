import type { JobArgs } from "@pulumi/kubernetes/batch/v1/job.js";
import type { ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import { canonicalJson } from "../core/hash.ts";
import { FINAL_EXIT_CODES, SPEC_FILE } from "./contract.ts";
import { type RunPod, renderRunPod, runLabels, specName } from "./pod.ts";
import type { RunContext } from "./types.ts";

export interface RunJob extends RunPod {
  /** Restarts of each worker after a failure that is not a disruption. */
  readonly maxRestarts: number;
  /** Seconds until the run counts as failed, over all its restarts. */
  readonly deadlineSeconds: number;
}

/**
 * The Job of a run. How it ends:
 *
 * - A disruption (drain, preemption, a lost node) restarts the worker and counts nowhere.
 * - A final exit code fails the Job at once.
 * - Any other failure restarts the worker, `maxRestarts` times. The budget is each index's own: one fault takes the whole
 *   group down, every worker loses one restart by it, so the number means restarts of the group. A budget of the Job's
 *   would be used up `workers` times as fast. The first index that has none left fails the Job.
 * - A replacement starts only after its predecessor ended, so that no two write one folder.
 *
 * Not awaited: it may take days. Its record says when it is done.
 */
export function renderJob(job: RunJob, context: RunContext) {
  return {
    metadata: {
      name: job.run,
      namespace: context.artifacts.namespace,
      labels: runLabels(job),
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec: {
      completionMode: "Indexed",
      completions: job.workers,
      parallelism: job.workers,
      backoffLimitPerIndex: job.maxRestarts,
      maxFailedIndexes: 0,
      activeDeadlineSeconds: job.deadlineSeconds,
      podReplacementPolicy: "Failed",
      podFailurePolicy: {
        rules: [
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
          { action: "FailJob", onExitCodes: { operator: "In", values: FINAL_EXIT_CODES } },
        ],
      },
      template: renderRunPod(job, context),
    },
  } satisfies JobArgs;
}

/** The run's spec as a file. */
export function renderSpec(run: Pick<RunPod, "stage" | "model" | "run">, namespace: string, spec: unknown) {
  return {
    metadata: { name: specName(run.run), namespace, labels: runLabels(run) },
    immutable: true,
    data: { [SPEC_FILE]: canonicalJson(spec) },
  } satisfies ConfigMapArgs;
}
