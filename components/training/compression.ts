import { dirname } from "node:path/posix";
import { stringify } from "yaml";
import { recipeOf } from "../catalog/schemes.ts";
import { llmStepOf } from "../lifecycle/runs.ts";
import { artifactFolders, FOLDERS, MODEL_FOLDER, RECIPE_FILE } from "./contract.ts";
import { COMPRESSION_GRACE_SECONDS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import type { CompressionJobArgs } from "./types.ts";

/**
 * The objects of a compression run: one worker that makes one candidate of a trained model and measures both. A language
 * model is made by the image its step names, by a recipe that lies beside the spec.
 */
export function renderCompression(args: CompressionJobArgs) {
  const { run } = args;
  const { compression, task } = run.model;
  if (compression === undefined) {
    throw new Error(`the model of ${run.name} is not compressed; plan it anew`);
  }
  const folder = artifactFolders.compression(run.name);
  const llm = llmStepOf(run.candidate);
  const { gpuResource } = compression.resources;
  const gpus = llm === undefined ? {} : { gpu: llm.gpu, gpuResource: llm.gpuResource ?? gpuResource };
  const job: RunJob = {
    stage: "compression",
    model: run.model.name,
    run: run.name,
    workers: 1,
    resources: { ...compression.resources, ...gpus },
    deadlineSeconds: compression.deadlineSeconds,
    maxRestarts: compression.maxRestarts,
    graceSeconds: COMPRESSION_GRACE_SECONDS,
    artifactPath: `${folder}/${MODEL_FOLDER}`,
    mounts: [
      { mountPath: FOLDERS.input, folder: run.dataset.artifact.path, readOnly: true },
      // The whole of the training run's folder: beside the model, which is measured, lies the network, which is
      // changed.
      { mountPath: FOLDERS.baseline, folder: dirname(run.baseline.artifact.path), readOnly: true },
      { mountPath: FOLDERS.output, folder },
      { mountPath: FOLDERS.checkpoint, folder: artifactFolders.checkpoints(run.name) },
    ],
    env: {
      MILLWRIGHT_INPUT: FOLDERS.input,
      MILLWRIGHT_BASELINE: FOLDERS.baseline,
      MILLWRIGHT_CHECKPOINT: FOLDERS.checkpoint,
      ...(llm === undefined ? {} : { MILLWRIGHT_RECIPE: `${FOLDERS.spec}/${RECIPE_FILE}` }),
    },
  };
  const spec = {
    candidate: run.candidate,
    training: run.training,
    task,
    labels: run.dataset.labels,
    measurement: { seconds: compression.measureSeconds },
  };
  const files = llm === undefined ? {} : { [RECIPE_FILE]: stringify(recipeOf(llm)) };
  const images = llm === undefined ? args.images : { ...args.images, workload: llm.image };
  return {
    spec: renderSpec(job, args.artifacts.namespace, spec, files),
    job: renderJob(job, { ...args, images }),
  };
}
