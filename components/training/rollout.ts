import type { ModelSpec } from "../../stacks/schema.ts";
import { protocolOf, servedNameOf, serverOf, startupSecondsOf } from "../catalog/engines.ts";
import { artifactFolders, FOLDERS } from "./contract.ts";
import { PLACEMENT_SECONDS, ROLLOUT_GRACE_SECONDS, ROLLOUT_MARGIN_SECONDS, ROLLOUT_MAX_RESTARTS } from "./defaults.ts";
import { type RunJob, renderJob, renderSpec } from "./job.ts";
import type { RolloutJobArgs } from "./types.ts";

/**
 * The objects of one step of a rollout: a judge that sends labelled items to both versions, reads what the router
 * counted of everybody else's requests, and gives a verdict. It moves no traffic; the plan does, on its record.
 */
export function renderRollout(args: RolloutJobArgs) {
  const { run, urls } = args;
  const { resources, weights: _, ...rules } = run.model.serving.canary;
  const folder = artifactFolders.rollout(run.name);
  const readySeconds = startupSecondsOf(run.model.serving) + PLACEMENT_SECONDS;
  const job: RunJob = {
    stage: "rollout",
    model: run.model.name,
    run: run.name,
    workers: 1,
    resources,
    // Every start watches the whole step.
    deadlineSeconds: (ROLLOUT_MAX_RESTARTS + 1) * (rules.stepSeconds + readySeconds + ROLLOUT_MARGIN_SECONDS),
    maxRestarts: ROLLOUT_MAX_RESTARTS,
    graceSeconds: ROLLOUT_GRACE_SECONDS,
    artifactPath: folder,
    mounts: [
      { mountPath: FOLDERS.input, folder: run.dataset.artifact.path, readOnly: true },
      { mountPath: FOLDERS.output, folder },
    ],
    env: {
      MILLWRIGHT_INPUT: FOLDERS.input,
      MILLWRIGHT_CANDIDATE_URL: urls.candidate,
      ...(urls.stable === undefined ? {} : { MILLWRIGHT_STABLE_URL: urls.stable }),
      MILLWRIGHT_ROUTER_METRICS: urls.routerMetrics,
      MILLWRIGHT_READY_SECONDS: String(readySeconds),
      ...protocolVariables(run.model),
    },
  };
  const spec = {
    candidate: run.candidate.version,
    stable: run.stable?.version ?? null,
    step: run.step,
    steps: run.weights.length,
    weight: run.weights[run.step],
    canary: rules,
    task: run.model.task,
    labels: run.dataset.labels,
    triggered: run.triggered,
  };
  return { spec: renderSpec(job, args.artifacts.namespace, spec), job: renderJob(job, args) };
}

/** What requests look like, where not as the contract's own server takes them. */
function protocolVariables({ name, serving: { engine } }: ModelSpec): Readonly<Record<string, string>> {
  const protocol = protocolOf(engine);
  const { readyPath } = serverOf(engine, name);
  return protocol === "v2" && readyPath === `/v2/models/${name}/ready`
    ? {}
    : {
        MILLWRIGHT_PROTOCOL: protocol,
        MILLWRIGHT_READY_PATH: readyPath,
        MILLWRIGHT_SERVED_NAME: servedNameOf(engine, name),
      };
}
