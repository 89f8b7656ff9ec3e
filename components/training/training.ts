import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import { groupName, workerName } from "../core/names.ts";
import { renderPolicy } from "../platform/network/policy.ts";
import { artifactFolders, FOLDERS, MODEL_FOLDER, RENDEZVOUS_PORT } from "./contract.ts";
import { TRAINING_GRACE_SECONDS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import { runLabels } from "./pod.ts";
import type { TrainingJobArgs } from "./types.ts";

/**
 * The objects of a training run: its workers, and the Service that gives them the host names they meet at.
 *
 * All pods of the group are made at once, but Kubernetes places each for itself, and none can work before all have a
 * place. A worker holds its own for the others for `gangSeconds` at the most, then gives it back (exit code 75) and is
 * started again later; the Job counts that as no failure. How long exactly is drawn, so that two groups which hold each
 * other's places do not go on doing so: see workloads/trainer/millwright_workloads/gang.py, and its test for how well it
 * does. What this cannot give is admission of all or none; that takes a queue in front of the scheduler: where the stack's
 * quotas are Kueue's, the Job begins when there is room for all its workers, and not before.
 */
export function renderTraining(args: TrainingJobArgs) {
  const { run } = args;
  // Not the model's own: this has in it what a search found.
  const { training, base } = run;
  const folder = artifactFolders.training(run.name);
  const job: RunJob = {
    stage: "training",
    model: run.model.name,
    run: run.name,
    workers: training.workers,
    resources: training.resources,
    deadlineSeconds: training.deadlineSeconds,
    maxRestarts: training.maxRestarts,
    isGang: training.workers > 1,
    graceSeconds: TRAINING_GRACE_SECONDS,
    artifactPath: `${folder}/${MODEL_FOLDER}`,
    mounts: [
      { mountPath: FOLDERS.input, folder: run.dataset.artifact.path, readOnly: true },
      // The whole of that run's folder: beside the model lies the network.
      ...(base === undefined
        ? []
        : [{ mountPath: FOLDERS.base, folder: artifactFolders.training(base.run), readOnly: true }]),
      { mountPath: FOLDERS.output, folder },
      { mountPath: FOLDERS.checkpoint, folder: artifactFolders.checkpoints(run.name) },
    ],
    env: {
      MILLWRIGHT_INPUT: FOLDERS.input,
      ...(base === undefined ? {} : { MILLWRIGHT_BASE: FOLDERS.base }),
      MILLWRIGHT_CHECKPOINT: FOLDERS.checkpoint,
      MILLWRIGHT_RENDEZVOUS: `${workerName(run.name, 0)}.${groupName(run.name)}:${RENDEZVOUS_PORT}`,
    },
  };
  const { namespace } = args.artifacts;
  // What is started from is decided: the workload is told the run, not the rule.
  const { start: _, ...parameters } = training;
  const spec = { ...parameters, task: run.model.task, labels: run.dataset.labels, base };
  return {
    spec: renderSpec(job, namespace, spec),
    service: renderGroupService(job, namespace),
    policy: renderGroupPolicy(job, namespace),
    job: renderJob(job, args),
  };
}

/**
 * Names for the workers, not a way to them: headless. Addresses are published before a worker is ready, since it
 * becomes so only after it met the others. Not awaited: its endpoints come with the Job's pods.
 */
function renderGroupService(job: RunJob, namespace: string) {
  const labels = runLabels(job);
  return {
    metadata: { name: groupName(job.run), namespace, labels, annotations: { "pulumi.com/skipAwait": "true" } },
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: labels,
      ports: [{ name: "rendezvous", port: RENDEZVOUS_PORT, targetPort: RENDEZVOUS_PORT, protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

/** The workers of a group reach each other at any port: what they compute together chooses its ports itself. */
function renderGroupPolicy(job: RunJob, namespace: string) {
  const labels = runLabels(job);
  return renderPolicy({ name: groupName(job.run), namespace, labels }, labels, [{ from: [{ pods: labels }] }]);
}
