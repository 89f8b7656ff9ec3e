import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import { workerName } from "../core/names.ts";
import { artifactFolders, FOLDERS, MODEL_FOLDER, RENDEZVOUS_PORT } from "./contract.ts";
import { TRAINING_GRACE_SECONDS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import { runLabels } from "./pod.ts";
import type { TrainingJobArgs } from "./types.ts";

/** The objects of a training run: its workers, and the Service that gives them the host names they meet at. */
export function renderTraining(args: TrainingJobArgs) {
  const { run } = args;
  const { task, training } = run.model;
  const folder = artifactFolders.training(run.name);
  const job: RunJob = {
    stage: "training",
    model: run.model.name,
    run: run.name,
    workers: training.workers,
    resources: training.resources,
    deadlineSeconds: training.deadlineSeconds,
    maxRestarts: training.maxRestarts,
    graceSeconds: TRAINING_GRACE_SECONDS,
    artifactPath: `${folder}/${MODEL_FOLDER}`,
    mounts: [
      { mountPath: FOLDERS.input, folder: run.dataset.artifact.path, readOnly: true },
      { mountPath: FOLDERS.output, folder },
      { mountPath: FOLDERS.checkpoint, folder: artifactFolders.checkpoints(run.name) },
    ],
    env: {
      MILLWRIGHT_INPUT: FOLDERS.input,
      MILLWRIGHT_CHECKPOINT: FOLDERS.checkpoint,
      MILLWRIGHT_RENDEZVOUS: `${workerName(run.name, 0)}.${run.name}:${RENDEZVOUS_PORT}`,
    },
  };
  const { namespace } = args.artifacts;
  return {
    job: renderJob(job, args),
    spec: renderSpec(job, namespace, { ...training, task, labels: run.dataset.labels }),
    service: renderGroupService(job, namespace),
  };
}

/**
 * Names for the workers, not a way to them: headless. Addresses are published before a worker is ready, since it becomes
 * so only after it met the others. Not awaited: its endpoints come with the Job's pods.
 */
function renderGroupService(job: RunJob, namespace: string) {
  const labels = runLabels(job);
  return {
    metadata: { name: job.run, namespace, labels, annotations: { "pulumi.com/skipAwait": "true" } },
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: labels,
      ports: [{ name: "rendezvous", port: RENDEZVOUS_PORT, targetPort: RENDEZVOUS_PORT, protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}
