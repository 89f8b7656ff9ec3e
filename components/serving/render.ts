import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { PodDisruptionBudgetArgs } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { labelsFor, selectorLabelsFor } from "../core/labels.ts";
import { renderResources } from "../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import {
  DRAIN_SECONDS,
  HTTP_PORT,
  METRICS_PORT,
  MODEL_FOLDER,
  REQUEST_GRACE_SECONDS,
  REVISIONS_KEPT,
  ROLLOUT_MARGIN_SECONDS,
  SERVICE_TIMEOUT_SECONDS,
  STARTUP_PERIOD_SECONDS,
} from "./defaults.ts";
import type { EndpointArgs } from "./types.ts";

/** The objects of an endpoint; the budget only where there is more than one server to keep. */
export function renderEndpoint(args: EndpointArgs) {
  const { replicas } = args.live.model.serving.scaling;
  return {
    serviceAccount: renderServiceAccount(args),
    deployment: renderDeployment(args),
    service: renderService(args),
    disruptionBudget: replicas > 1 ? renderDisruptionBudget(args) : undefined,
  };
}

/** An identity with no rights: a server asks the cluster nothing. */
function renderServiceAccount(args: EndpointArgs) {
  return {
    metadata: { ...metadata(args), name: serviceAccountName(args) },
    automountServiceAccountToken: false,
  } satisfies ServiceAccountArgs;
}

/**
 * The servers. A new version or image starts beside the old servers and replaces each only when it is ready to answer, so
 * a version that does not start never costs one that serves. The engine waits for it, as long as the servers may take.
 */
function renderDeployment(args: EndpointArgs) {
  const { model } = args.live;
  const { startupSeconds, scaling } = model.serving;
  // One server at a time is replaced, so the waits add up; the Deployment's own clock starts anew with each.
  const timeoutSeconds = startupSeconds * scaling.replicas + ROLLOUT_MARGIN_SECONDS;
  return {
    metadata: { ...metadata(args), annotations: { "pulumi.com/timeoutSeconds": String(timeoutSeconds) } },
    spec: {
      replicas: scaling.replicas,
      selector: { matchLabels: selector(args) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      progressDeadlineSeconds: startupSeconds + ROLLOUT_MARGIN_SECONDS,
      revisionHistoryLimit: REVISIONS_KEPT,
      template: renderPod(args),
    },
  } satisfies DeploymentArgs;
}

function renderPod(args: EndpointArgs) {
  const { model, version } = args.live;
  return {
    metadata: { labels: labelsFor({ component: "serving", model: model.name, version }) },
    spec: {
      serviceAccountName: serviceAccountName(args),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: DRAIN_SECONDS + REQUEST_GRACE_SECONDS,
      securityContext: POD_SECURITY,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selector(args) },
        },
      ],
      containers: [renderServer(args)],
      volumes: [
        { name: "artifacts", persistentVolumeClaim: { claimName: args.artifacts.claimName, readOnly: true } },
        { name: "tmp", emptyDir: {} },
      ],
    },
  };
}

function renderServer({ live: { model, version, record }, image }: EndpointArgs) {
  const ready = { path: `/v2/models/${model.name}/ready`, port: "http" };
  return {
    name: "server",
    image,
    env: [
      { name: "HOME", value: "/tmp" },
      { name: "MILLWRIGHT_VERSION", value: version },
      { name: "MLSERVER_MODEL_NAME", value: model.name },
      { name: "MLSERVER_MODEL_URI", value: MODEL_FOLDER },
      { name: "TMPDIR", value: "/tmp" },
    ],
    ports: [
      { name: "http", containerPort: HTTP_PORT, protocol: "TCP" },
      { name: "metrics", containerPort: METRICS_PORT, protocol: "TCP" },
    ],
    resources: renderResources(model.serving.resources),
    securityContext: CONTAINER_SECURITY,
    startupProbe: {
      httpGet: ready,
      periodSeconds: STARTUP_PERIOD_SECONDS,
      failureThreshold: Math.ceil(model.serving.startupSeconds / STARTUP_PERIOD_SECONDS),
      timeoutSeconds: 2,
    },
    readinessProbe: { httpGet: ready, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 2 },
    // Generous, because a restart of a server that is only busy makes the rest busier.
    livenessProbe: {
      httpGet: { path: "/v2/health/live", port: "http" },
      periodSeconds: 10,
      failureThreshold: 6,
      timeoutSeconds: 5,
    },
    lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
    volumeMounts: [
      { name: "artifacts", mountPath: MODEL_FOLDER, subPath: record.artifact.path, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/** The stable address of whatever version serves. Awaited until it has the address of a server. */
function renderService(args: EndpointArgs) {
  return {
    metadata: { ...metadata(args), annotations: { "pulumi.com/timeoutSeconds": String(SERVICE_TIMEOUT_SECONDS) } },
    spec: {
      type: "ClusterIP",
      selector: selector(args),
      ports: [{ name: "http", port: HTTP_PORT, targetPort: "http", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

/** A drain takes one server at a time. */
function renderDisruptionBudget(args: EndpointArgs) {
  return {
    metadata: metadata(args),
    spec: { maxUnavailable: 1, selector: { matchLabels: selector(args) } },
  } satisfies PodDisruptionBudgetArgs;
}

function metadata({ live, artifacts }: EndpointArgs) {
  const { name } = live.model;
  return { name, namespace: artifacts.namespace, labels: labelsFor({ component: "serving", model: name }) };
}

/** Without the version: selectors cannot be changed, and the Service stays while versions come and go. */
function selector({ live }: EndpointArgs) {
  return selectorLabelsFor({ component: "serving", model: live.model.name });
}

function serviceAccountName({ live }: EndpointArgs): string {
  return `${live.model.name}-server`;
}
