import type { Resources } from "../../stacks/schema.ts";
import { type Labels, labelsFor } from "../core/labels.ts";
import type { RunKind } from "../lifecycle/types.ts";
import { renderResources } from "../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import {
  FOLDERS,
  PROGRESS_PATH,
  RECORDER_COMMAND,
  RECORDER_CONTAINER,
  RESULT_PATH,
  SPEC_FILE,
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

export interface RunPod {
  readonly stage: RunKind;
  readonly model: string;
  readonly run: string;
  readonly workers: number;
  readonly resources: Resources;
  /** What the record names as the run's artifact, below the artifact store. */
  readonly artifactPath: string;
  readonly mounts: readonly ArtifactMount[];
  /** What this stage's workload is told beyond what every workload is. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds from SIGTERM to SIGKILL. */
  readonly graceSeconds: number;
}

export function runLabels({ stage, model, run }: Pick<RunPod, "stage" | "model" | "run">): Labels {
  return labelsFor({ component: stage, model, run });
}

/** The ConfigMap with the run's spec. */
export function specName(run: string): string {
  return `${run}-spec`;
}

/**
 * The pod of one worker: the workload, and the recorder that writes its record. They share only the result folder; the
 * API token is mounted in the recorder alone.
 */
export function renderRunPod(pod: RunPod, context: RunContext) {
  return {
    metadata: { labels: runLabels(pod) },
    spec: {
      restartPolicy: "Never",
      // With the headless Service of the same name this gives every worker a host name: <run>-<index>.<run>
      subdomain: pod.run,
      serviceAccountName: context.serviceAccountName,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: pod.graceSeconds,
      securityContext: POD_SECURITY,
      containers: [renderWorkload(pod, context), renderRecorder(pod, context)],
      volumes: [
        { name: "spec", configMap: { name: specName(pod.run) } },
        { name: "artifacts", persistentVolumeClaim: { claimName: context.artifacts.claimName } },
        { name: "result", emptyDir: {} },
        { name: "tmp", emptyDir: {} },
        { name: "token", projected: { sources: TOKEN_SOURCES } },
      ],
    },
  };
}

function renderWorkload(pod: RunPod, { images }: RunContext) {
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
        MILLWRIGHT_SPEC: `${FOLDERS.spec}/${SPEC_FILE}`,
        MILLWRIGHT_OUTPUT: FOLDERS.output,
        MILLWRIGHT_RESULT: RESULT_PATH,
        MILLWRIGHT_PROGRESS: PROGRESS_PATH,
        MILLWRIGHT_WORKERS: String(pod.workers),
        ...pod.env,
      }),
      WORKER_INDEX,
    ],
    resources: renderResources(pod.resources),
    securityContext: CONTAINER_SECURITY,
    volumeMounts: [
      { name: "spec", mountPath: FOLDERS.spec, readOnly: true },
      ...pod.mounts.map(({ folder, ...mount }) => ({ name: "artifacts", subPath: folder, ...mount })),
      { name: "result", mountPath: FOLDERS.result },
      { name: "tmp", mountPath: FOLDERS.temporary },
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
      { name: "result", mountPath: FOLDERS.result, readOnly: true },
      { name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
    ],
  };
}

const WORKER_INDEX = {
  name: "MILLWRIGHT_WORKER_INDEX",
  valueFrom: {
    fieldRef: { apiVersion: "v1", fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" },
  },
};

/** What automounting would give every container: a token the kubelet renews, the cluster's authority, the namespace. */
const TOKEN_SOURCES = [
  { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
  { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
  {
    downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] },
  },
];

function variables(values: Readonly<Record<string, string>>): { readonly name: string; readonly value: string }[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
}
