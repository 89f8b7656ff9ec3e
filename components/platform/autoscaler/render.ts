import type { APIServiceArgs } from "@pulumi/kubernetes/apiregistration/v1/apiservice.js";
import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import { hashOf } from "../../core/hash.ts";
import { labelsFor, selectorLabelsFor } from "../../core/labels.ts";
import type { WorkloadImageArgs } from "../image/types.ts";
import { renderResources } from "../pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY, SECRET_FILE_MODE } from "../pod/security.ts";
import { apiServiceName } from "./access.ts";
import {
  AUTOSCALER_API_TIMEOUT_SECONDS,
  AUTOSCALER_MARGIN_SECONDS,
  AUTOSCALER_SERVICE_TIMEOUT_SECONDS,
  AUTOSCALER_STARTUP_SECONDS,
  CERTIFICATES_FOLDER,
  CERTIFICATES_SECRET,
  IMAGE_RECIPE,
  METRICS_API,
  METRICS_NAME,
  METRICS_PORT,
  METRICS_RESOURCES,
  OPERATOR_HEALTH_PORT,
  OPERATOR_METRICS_PORT,
  OPERATOR_NAME,
  OPERATOR_RESOURCES,
} from "./defaults.ts";
import type { AutoscalerArgs, RenderArgs } from "./types.ts";

const OPERATOR = { component: "autoscaler" } as const;
const METRICS = { component: "autoscaler-metrics" } as const;

/** A copy of KEDA's image in the stack's registry: the one way to name it by digest wherever it comes from. */
export function renderImageArgs({ image, registry }: AutoscalerArgs): WorkloadImageArgs {
  return {
    image: "autoscaler",
    registry,
    context: "workloads/autoscaler",
    dockerfile: "workloads/autoscaler/Dockerfile",
    buildArgs: { KEDA_IMAGE: image },
    contentHash: hashOf({ image, recipe: IMAGE_RECIPE }),
  };
}

/** KEDA's namespace; it refuses pods that do not meet the restricted standard. */
export function renderNamespace({ namespace }: Pick<RenderArgs, "namespace">) {
  return {
    metadata: {
      name: namespace,
      labels: {
        ...labelsFor(OPERATOR),
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    },
  } satisfies NamespaceArgs;
}

/**
 * The operator: watches the ScaledObjects of all namespaces, asks for their numbers, wakes and puts to sleep what they
 * name, and makes the HorizontalPodAutoscaler of each. One at a time, and so without an election.
 */
export function renderOperator(args: RenderArgs) {
  const health = { port: "health" };
  return renderDeployment(args, OPERATOR_NAME, OPERATOR, {
    optionalCertificates: true,
    container: {
      name: "operator",
      command: ["/keda"],
      args: [
        "--enable-cert-rotation=true",
        "--enable-webhook-patching=false",
        `--cert-dir=${CERTIFICATES_FOLDER}`,
        `--cert-secret-name=${CERTIFICATES_SECRET}`,
        `--operator-service-name=${OPERATOR_NAME}`,
        `--metrics-server-service-name=${METRICS_NAME}`,
        `--health-probe-bind-address=:${OPERATOR_HEALTH_PORT}`,
        `--metrics-service-bind-address=:${OPERATOR_METRICS_PORT}`,
        "--enable-prometheus-metrics=false",
        "--zap-log-level=info",
        "--zap-encoder=json",
        "--zap-time-encoding=rfc3339",
      ],
      env: [
        ...ENVIRONMENT,
        // It may read no other Secret; told so, it does not try.
        { name: "KEDA_RESTRICT_SECRET_ACCESS", value: "true" },
      ],
      ports: [
        { name: "health", containerPort: OPERATOR_HEALTH_PORT, protocol: "TCP" },
        { name: "numbers", containerPort: OPERATOR_METRICS_PORT, protocol: "TCP" },
      ],
      resources: renderResources(OPERATOR_RESOURCES),
      probes: {
        ready: { ...health, path: "/readyz" },
        live: { ...health, path: "/healthz" },
      },
    },
  });
}

/** The metrics server: answers the HorizontalPodAutoscalers with what the operator knows. */
export function renderMetricsServer(args: RenderArgs) {
  const health = { port: "https", scheme: "HTTPS" };
  return renderDeployment(args, METRICS_NAME, METRICS, {
    optionalCertificates: false,
    container: {
      name: "metrics",
      command: ["/keda-adapter"],
      args: [
        `--secure-port=${METRICS_PORT}`,
        `--metrics-service-address=${OPERATOR_NAME}.${args.namespace}.svc.cluster.local:${OPERATOR_METRICS_PORT}`,
        `--client-ca-file=${CERTIFICATES_FOLDER}/ca.crt`,
        `--tls-cert-file=${CERTIFICATES_FOLDER}/tls.crt`,
        `--tls-private-key-file=${CERTIFICATES_FOLDER}/tls.key`,
        `--cert-dir=${CERTIFICATES_FOLDER}`,
        "--zap-log-level=error",
        "--zap-encoder=json",
      ],
      env: ENVIRONMENT,
      ports: [{ name: "https", containerPort: METRICS_PORT, protocol: "TCP" }],
      resources: renderResources(METRICS_RESOURCES),
      probes: {
        ready: { ...health, path: "/readyz" },
        live: { ...health, path: "/livez" },
      },
    },
  });
}

const ENVIRONMENT = [
  { name: "HOME", value: "/tmp" },
  { name: "TMPDIR", value: "/tmp" },
  { name: "POD_NAMESPACE", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } } },
  // Of all namespaces: a cluster has one KEDA, whose stack need not be the only one.
  { name: "WATCH_NAMESPACE", value: "" },
];

interface Probe {
  readonly path: string;
  readonly port: string;
  readonly scheme?: string;
}

interface Program {
  /** Whether it starts without the certificates: the operator makes them. */
  readonly optionalCertificates: boolean;
  readonly container: {
    readonly name: string;
    readonly command: string[];
    readonly args: string[];
    readonly env: {
      name: string;
      value?: string;
      valueFrom?: { fieldRef: { apiVersion: string; fieldPath: string } };
    }[];
    readonly ports: { name: string; containerPort: number; protocol: string }[];
    readonly resources: ReturnType<typeof renderResources>;
    readonly probes: { readonly ready: Probe; readonly live: Probe };
  };
}

function renderDeployment(
  { namespace, image }: RenderArgs,
  name: string,
  part: typeof OPERATOR | typeof METRICS,
  { optionalCertificates, container: { probes, ...container } }: Program,
) {
  const timeoutSeconds = AUTOSCALER_STARTUP_SECONDS + AUTOSCALER_MARGIN_SECONDS;
  return {
    metadata: {
      name,
      namespace,
      labels: labelsFor(part),
      annotations: { "pulumi.com/timeoutSeconds": String(timeoutSeconds) },
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: selectorLabelsFor(part) },
      // Two operators at a time would each scale by what it saw.
      strategy: { type: "Recreate" },
      progressDeadlineSeconds: timeoutSeconds,
      revisionHistoryLimit: 3,
      template: {
        metadata: { labels: labelsFor(part) },
        spec: {
          serviceAccountName: name,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 10,
          securityContext: POD_SECURITY,
          containers: [
            {
              ...container,
              image,
              securityContext: CONTAINER_SECURITY,
              startupProbe: {
                httpGet: probes.ready,
                periodSeconds: 2,
                failureThreshold: AUTOSCALER_STARTUP_SECONDS / 2,
                timeoutSeconds: 2,
              },
              readinessProbe: { httpGet: probes.ready, periodSeconds: 5, failureThreshold: 3, timeoutSeconds: 3 },
              livenessProbe: { httpGet: probes.live, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
              volumeMounts: [
                { name: "certificates", mountPath: CERTIFICATES_FOLDER, readOnly: true },
                { name: "tmp", mountPath: "/tmp" },
              ],
            },
          ],
          volumes: [
            {
              name: "certificates",
              secret: {
                secretName: CERTIFICATES_SECRET,
                defaultMode: SECRET_FILE_MODE,
                ...(optionalCertificates ? { optional: true } : {}),
              },
            },
            { name: "tmp", emptyDir: {} },
          ],
        },
      },
    },
  } satisfies DeploymentArgs;
}

/** Where the metrics server finds the operator. */
export function renderOperatorService({ namespace }: Pick<RenderArgs, "namespace">) {
  return renderService(namespace, OPERATOR_NAME, OPERATOR, {
    name: "numbers",
    port: OPERATOR_METRICS_PORT,
    targetPort: "numbers",
  });
}

/** Where the API server finds the metrics server. */
export function renderMetricsService({ namespace }: Pick<RenderArgs, "namespace">) {
  return renderService(namespace, METRICS_NAME, METRICS, { name: "https", port: 443, targetPort: "https" });
}

function renderService(
  namespace: string,
  name: string,
  part: typeof OPERATOR | typeof METRICS,
  port: { readonly name: string; readonly port: number; readonly targetPort: string },
) {
  return {
    metadata: {
      name,
      namespace,
      labels: labelsFor(part),
      annotations: { "pulumi.com/timeoutSeconds": String(AUTOSCALER_SERVICE_TIMEOUT_SECONDS) },
    },
    spec: { type: "ClusterIP", selector: selectorLabelsFor(part), ports: [{ ...port, protocol: "TCP" }] },
  } satisfies ServiceArgs;
}

/**
 * Makes the metrics server a part of the API. Its `caBundle` is the operator's to set. While an API has no server that
 * answers, no namespace of the cluster can be removed: so it is made last and goes first.
 */
export function renderApiService({ namespace }: Pick<RenderArgs, "namespace">) {
  return {
    metadata: {
      name: apiServiceName(),
      labels: labelsFor(METRICS),
      annotations: {
        "pulumi.com/waitFor": "condition=Available",
        "pulumi.com/timeoutSeconds": String(AUTOSCALER_API_TIMEOUT_SECONDS),
      },
    },
    spec: {
      service: { name: METRICS_NAME, namespace, port: 443 },
      group: METRICS_API.group,
      version: METRICS_API.version,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  } satisfies APIServiceArgs;
}
