import type { Input } from "@pulumi/pulumi";
import type { renderJob } from "../../../components/training/job.ts";

export type Rendered = { readonly job: ReturnType<typeof renderJob> };

export const podOf = (rendered: Rendered) => rendered.job.spec.template.spec;
export const workloadOf = (rendered: Rendered) => podOf(rendered).containers[0]!;
export const recorderOf = (rendered: Rendered) => podOf(rendered).containers[1]!;

/** The variables of a container; what the cluster fills in as `<where from>`. */
export function environmentOf(container: ReturnType<typeof workloadOf>): Record<string, Input<string>> {
  return Object.fromEntries(
    container.env.map((variable) => [
      variable.name,
      "value" in variable ? variable.value : `<${variable.valueFrom.fieldRef.fieldPath}>`,
    ]),
  );
}

/** What every workload is told, of one stage and run. */
export function commonEnvironment(stage: string, run: string, workers: number): Record<string, string> {
  return {
    HOME: "/tmp",
    TMPDIR: "/tmp",
    MILLWRIGHT_STAGE: stage,
    MILLWRIGHT_MODEL: "mail-triage",
    MILLWRIGHT_RUN: run,
    MILLWRIGHT_SPEC: "/millwright/spec/spec.json",
    MILLWRIGHT_OUTPUT: "/millwright/output",
    MILLWRIGHT_RESULT: "/millwright/result/result.json",
    MILLWRIGHT_PROGRESS: "/millwright/result/progress.json",
    MILLWRIGHT_WORKERS: String(workers),
    MILLWRIGHT_WORKER_INDEX: WORKER_INDEX,
  };
}

export const WORKER_INDEX = "<metadata.annotations['batch.kubernetes.io/job-completion-index']>";

export function artifactMounts(rendered: Rendered) {
  return workloadOf(rendered).volumeMounts.filter(({ name }) => name === "artifacts");
}

export function specOf(rendered: { readonly spec: { readonly data: Record<string, string> } }): unknown {
  return JSON.parse(rendered.spec.data["spec.json"]!);
}

/** How a Job ends, without its pods. */
export function endOf({ job }: Rendered) {
  const { template: _, ...spec } = job.spec;
  return spec;
}

/** The end of every kind's Job: restarts for all, and what ends it at once. */
export const POD_FAILURES = {
  podReplacementPolicy: "Failed",
  podFailurePolicy: {
    rules: [
      { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      { action: "FailJob", onExitCodes: { operator: "In", values: [64, 65, 66] } },
    ],
  },
};
