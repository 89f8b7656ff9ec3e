import { MAX_NAME_LENGTH, workerName } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import type { CompressionRun, RolloutRun, Run } from "../lifecycle/types.ts";
import { validateArtifactPath } from "../platform/artifacts.ts";
import { artifactFolders, MODEL_FOLDER } from "./contract.ts";
import type { RolloutUrls } from "./types.ts";

/** What is wrong with a run. The schema has checked the model; a run also carries names and records. */
export function validateRun(run: Run): Problem[] {
  const problems = validateNames(run.name, workersOf(run));
  if (run.kind !== "dataset") {
    problems.push(...validateArtifactPath("run.dataset.artifact.path", run.dataset.artifact.path));
  }
  if (run.kind === "training" && run.base !== undefined) {
    problems.push(...validateArtifactPath("run.base.run", artifactFolders.training(run.base.run)));
  }
  if (run.kind === "compression") {
    problems.push(...validateCompression(run));
  }
  if (run.kind === "rollout") {
    problems.push(...validateStep(run));
  }
  return problems;
}

/** What is wrong with the addresses a judge is given: it must be able to reach every version its run names. */
export function validateUrls({ stable }: RolloutRun, urls: RolloutUrls): Problem[] {
  if ((stable === undefined) === (urls.stable === undefined)) {
    return [];
  }
  const message =
    stable === undefined
      ? "must be left out: the run has no stable version to compare with"
      : `must be given: the run compares with the stable version ${stable.version}`;
  return [{ path: "urls.stable", message }];
}

function workersOf(run: Run): number {
  switch (run.kind) {
    case "search":
      return run.search.workers;
    case "training":
      return run.training.workers;
    default:
      return 1;
  }
}

/** The longest name a run gives is that of its last worker's host. */
function validateNames(run: string, workers: number): Problem[] {
  const host = workerName(run, workers - 1);
  if (host.length <= MAX_NAME_LENGTH && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(host)) {
    return [];
  }
  const message = `must be a DNS label that, with a worker's index, fits into ${MAX_NAME_LENGTH} characters`;
  return [{ path: "run.name", message, value: run }];
}

/** What is mounted is the folder above the baseline's model, so that its path must have one. */
function validateCompression({ model, baseline }: CompressionRun): Problem[] {
  const { path } = baseline.artifact;
  const problems = validateArtifactPath("run.baseline.artifact.path", path);
  if (!path.endsWith(`/${MODEL_FOLDER}`)) {
    const message = `must be the ${MODEL_FOLDER}/ folder of a training run`;
    problems.push({ path: "run.baseline.artifact.path", message, value: path });
  }
  if (model.compression === undefined) {
    const message = "must be there: the run takes its resources and its deadline from it";
    problems.push({ path: "run.model.compression", message });
  }
  return problems;
}

function validateStep({ step, weights }: RolloutRun): Problem[] {
  if (Number.isInteger(step) && step >= 0 && step < weights.length) {
    return [];
  }
  return [{ path: "run.step", message: `must be a whole number from 0 to ${weights.length - 1}`, value: step }];
}
