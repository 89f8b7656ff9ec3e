import type { Input } from "@pulumi/pulumi";
import type { Resources, WorkResources } from "../../stacks/schema.ts";
import { type Placed, place } from "../compute/scheduling/queue.ts";
import { type Labels, labelsFor } from "../core/labels.ts";
import { groupName } from "../core/names.ts";
import type { RunKind } from "../lifecycle/types.ts";
import { renderResources } from "../platform/pod/resources.ts";
import { renderSecretFile } from "../platform/pod/secret.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import { TOKEN_FOLDER, TOKEN_SOURCES } from "../platform/pod/token.ts";
import {
  FOLDERS,
  PROGRESS_PATH,
  RECORDER_COMMAND,
  RECORDER_CONTAINER,
  RESULT_PATH,
  SPEC_PATH,
  WORKLOAD_COMMAND,
  WORKLOAD_CONTAINER,
} from "./contract.ts";
import { RECORDER_RESOURCES } from "./defaults.ts";
import type { RunContext } from "./types.ts";

/** A folder of the artifact store in the workload's container. */
export interface ArtifactMount {
  readonly mountPath: string;
  /** Below the artifact store. */
  readonly folder: string;
  /** @default false */
  readonly readOnly?: boolean;
}

/**
 * One value of a Secret as a file in the workload's container; never as a variable, which children and dumps would
 * show.
 */
export interface SecretMount {
  /** Names the volume, and the folder below `FOLDERS.secrets`. */
  readonly name: string;
  readonly secretName: string;
  readonly key: string;
}

export interface RunPod {
  readonly stage: RunKind;
  readonly model: string;
  readonly run: string;
  readonly workers: number;
  readonly resources: Resources | WorkResources;
  /** What the record names as the run's artifact, below the artifact store. */
  readonly artifactPath: string;
  readonly mounts: readonly ArtifactMount[];
  /** @default none */
  readonly secrets?: readonly SecretMount[];
  /** What this stage's workload is told beyond what every workload is. */
  readonly env: Readonly<Record<string, Input<string>>>;
  /** Seconds from SIGTERM to SIGKILL. */
  readonly graceSeconds: number;
}

export function runLabels({ stage, model, run }: Pick<RunPod, "stage" | "model" | "run">): Labels {
  return labelsFor({ component: stage, model, run });
}

/** Where a run goes and when its turn is. The workers of a training compute together; those of a search do not know each other. */
export function placeRun({ stage, resources, workers }: RunPod, { placements }: RunContext): Placed {
  const pool = "pool" in resources ? resources.pool : undefined;
  return place({ part: stage, pool, group: stage === "training" ? workers : 1 }, placements);
}

/** The ConfigMap with the run's spec. */
export function specName(run: string): string {
  return `${run}-spec`;
}

/** Where the workload finds a secret. */
export function secretPath({ name, key }: SecretMount): string {
  return `${FOLDERS.secrets}/${name}/${key}`;
}

/**
 * The pod of one worker: the workload, and the recorder that writes its record. They share only the result folder; the
 * API token is mounted in the recorder alone, and secrets in the workload alone.
 */
export function renderRunPod(pod: RunPod, context: RunContext) {
  const placed = placeRun(pod, context);
  return {
    metadata: {
      labels: runLabels(pod),
      ...(Object.keys(placed.annotations).length === 0 ? {} : { annotations: placed.annotations }),
    },
    spec: {
      ...placed.pod,
      restartPolicy: "Never",
      // With the headless Service of this name every worker has a host name: <run>-<index>.<run>-group
      subdomain: groupName(pod.run),
      serviceAccountName: context.serviceAccountName,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: pod.graceSeconds,
      securityContext: POD_SECURITY,
      containers: [renderWorkload(pod, context, placed), renderRecorder(pod, context)],
      volumes: [
        { name: "spec", configMap: { name: specName(pod.run) } },
        { name: "artifacts", persistentVolumeClaim: { claimName: context.artifacts.claimName } },
        { name: "result", emptyDir: {} },
        { name: "tmp", emptyDir: {} },
        { name: "token", projected: { sources: TOKEN_SOURCES } },
        ...(pod.secrets ?? []).map(renderSecretVolume),
      ],
    },
  };
}

function renderSecretVolume({ name, secretName, key }: SecretMount) {
  return { name, secret: renderSecretFile(secretName, key) };
}

function renderWorkload(pod: RunPod, { images }: RunContext, { resource }: Placed) {
  return {
    name: WORKLOAD_CONTAINER,
    image: images.workload,
    command: WORKLOAD_COMMAND,
    env: [
      ...variables({
        HOME: FOLDERS.temporary,
        TMPDIR: FOLDERS.temporary,
        MILLWRIGHT_STAGE: pod.stage,
        MILLWRIGHT_MODEL: pod.model,
        MILLWRIGHT_RUN: pod.run,
        MILLWRIGHT_SPEC: SPEC_PATH,
        MILLWRIGHT_OUTPUT: FOLDERS.output,
        MILLWRIGHT_RESULT: RESULT_PATH,
        MILLWRIGHT_PROGRESS: PROGRESS_PATH,
        MILLWRIGHT_WORKERS: String(pod.workers),
        ...pod.env,
      }),
      WORKER_INDEX,
    ],
    resources: renderResources(pod.resources, resource),
    securityContext: CONTAINER_SECURITY,
    volumeMounts: [
      { name: "spec", mountPath: FOLDERS.spec, readOnly: true },
      ...pod.mounts.map(({ folder, ...mount }) => ({ name: "artifacts", subPath: folder, ...mount })),
      { name: "result", mountPath: FOLDERS.result },
      { name: "tmp", mountPath: FOLDERS.temporary },
      ...(pod.secrets ?? []).map(({ name }) => ({ name, mountPath: `${FOLDERS.secrets}/${name}`, readOnly: true })),
    ],
  };
}

function renderRecorder(pod: RunPod, { images, artifacts }: RunContext) {
  return {
    name: RECORDER_CONTAINER,
    image: images.recorder,
    command: RECORDER_COMMAND,
    env: [
      ...variables({
        MILLWRIGHT_STAGE: pod.stage,
        MILLWRIGHT_MODEL: pod.model,
        MILLWRIGHT_RUN: pod.run,
        MILLWRIGHT_SPEC: SPEC_PATH,
        MILLWRIGHT_RESULT: RESULT_PATH,
        MILLWRIGHT_NAMESPACE: artifacts.namespace,
        MILLWRIGHT_ARTIFACT_PATH: pod.artifactPath,
      }),
      WORKER_INDEX,
      { name: "MILLWRIGHT_POD", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
    ],
    resources: renderResources(RECORDER_RESOURCES),
    securityContext: CONTAINER_SECURITY,
    volumeMounts: [
      { name: "spec", mountPath: FOLDERS.spec, readOnly: true },
      { name: "result", mountPath: FOLDERS.result, readOnly: true },
      { name: "token", mountPath: TOKEN_FOLDER, readOnly: true },
    ],
  };
}

const WORKER_INDEX = {
  name: "MILLWRIGHT_WORKER_INDEX",
  valueFrom: {
    fieldRef: { apiVersion: "v1", fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" },
  },
};

function variables(values: Readonly<Record<string, Input<string>>>) {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
}
