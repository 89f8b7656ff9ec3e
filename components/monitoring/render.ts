import type { StatefulSetArgs } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import type { ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { PersistentVolumeClaimArgs } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { place } from "../compute/scheduling/queue.ts";
import { shortHash } from "../core/hash.ts";
import { labelsFor, selectorLabelsFor } from "../core/labels.ts";
import { renderPolicy } from "../platform/network/policy.ts";
import { memoryQuantity, renderResources } from "../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import { serversServiceName } from "./addresses.ts";
import { renderConfigFiles } from "./config.ts";
import {
  CLAIM_SIZE_GIB,
  CONFIG_FILE,
  CONFIG_FOLDER,
  DATA_GIB,
  DRIFT_WINDOW_SECONDS,
  PROMETHEUS_COMMAND,
  PROMETHEUS_FOLDER,
  PROMETHEUS_MARGIN_SECONDS,
  PROMETHEUS_NAME,
  PROMETHEUS_PORT,
  PROMETHEUS_RESOURCES,
  PROMETHEUS_STARTUP_SECONDS,
  QUALITY_WINDOW_SECONDS,
  RETENTION_SECONDS,
  SERVICE_TIMEOUT_SECONDS,
  STORE_FOLDER,
} from "./defaults.ts";
import { metricsOf } from "./servers.ts";
import type { PrometheusArgs, WatchedModel } from "./types.ts";

const STARTUP_PERIOD_SECONDS = 2;

const labels = labelsFor({ component: "prometheus" });
const selector = selectorLabelsFor({ component: "prometheus" });

/** The configuration, named by its content: a changed one is another object, and starts the pod anew. */
export function renderConfig(args: PrometheusArgs) {
  const data = renderConfigFiles(args);
  return {
    metadata: { ...metadata(args), name: `${PROMETHEUS_NAME}-${shortHash(data)}` },
    immutable: true,
    data,
  } satisfies ConfigMapArgs;
}

/** An identity with no rights: targets are found by name. */
export function renderAccount(args: PrometheusArgs) {
  return { metadata: metadata(args), automountServiceAccountToken: false } satisfies ServiceAccountArgs;
}

/** The claim of the data, where the cluster provisions volumes: a network file system of many writers would not do. */
export function renderDataClaim(args: PrometheusArgs, storageClassName: string) {
  return {
    metadata: metadata(args),
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: memoryQuantity(CLAIM_SIZE_GIB) } },
      storageClassName,
    },
  } satisfies PersistentVolumeClaimArgs;
}

/** Seconds data are kept: those of the longest window anybody looks at, and half as long again. */
export function retentionSeconds(models: readonly WatchedModel[]): number {
  const windows = models.flatMap(({ watch }) => [
    watch.drift?.windowSeconds ?? DRIFT_WINDOW_SECONDS,
    watch.quality?.windowSeconds ?? QUALITY_WINDOW_SECONDS,
  ]);
  return Math.max(RETENTION_SECONDS, Math.ceil(1.5 * Math.max(...windows)));
}

/** One server, ever: a StatefulSet starts the next pod only when the last one is gone, and the data has one writer. */
export function renderStatefulSet(args: PrometheusArgs, configName: string) {
  const timeoutSeconds = PROMETHEUS_STARTUP_SECONDS + PROMETHEUS_MARGIN_SECONDS;
  const claimName = args.storage.kind === "node" ? args.artifacts.claimName : PROMETHEUS_NAME;
  return {
    metadata: { ...metadata(args), annotations: { "pulumi.com/timeoutSeconds": String(timeoutSeconds) } },
    spec: {
      replicas: 1,
      serviceName: PROMETHEUS_NAME,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels },
        spec: {
          ...place({ part: "platform" }, args.placements).pod,
          serviceAccountName: PROMETHEUS_NAME,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 60,
          securityContext: POD_SECURITY,
          containers: [renderServer(args)],
          volumes: [
            { name: "config", configMap: { name: configName } },
            { name: "data", persistentVolumeClaim: { claimName } },
          ],
        },
      },
    },
  } satisfies StatefulSetArgs;
}

function renderServer({ image, storage, models, resources = PROMETHEUS_RESOURCES }: PrometheusArgs) {
  const answers = (path: string) => ({ httpGet: { path, port: "http" }, timeoutSeconds: 5 });
  return {
    name: "prometheus",
    image,
    command: [PROMETHEUS_COMMAND],
    args: [
      `--config.file=${CONFIG_FOLDER}/${CONFIG_FILE}`,
      `--storage.tsdb.path=${PROMETHEUS_FOLDER}`,
      `--storage.tsdb.retention.time=${retentionSeconds(models)}s`,
      `--storage.tsdb.retention.size=${DATA_GIB}GB`,
      `--web.listen-address=:${PROMETHEUS_PORT}`,
    ],
    ports: [{ name: "http", containerPort: PROMETHEUS_PORT, protocol: "TCP" }],
    resources: renderResources(resources),
    securityContext: CONTAINER_SECURITY,
    startupProbe: {
      ...answers("/-/ready"),
      periodSeconds: STARTUP_PERIOD_SECONDS,
      failureThreshold: Math.ceil(PROMETHEUS_STARTUP_SECONDS / STARTUP_PERIOD_SECONDS),
    },
    readinessProbe: { ...answers("/-/ready"), periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...answers("/-/healthy"), periodSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      { name: "config", mountPath: CONFIG_FOLDER, readOnly: true },
      { name: "data", mountPath: PROMETHEUS_FOLDER, ...(storage.kind === "node" ? { subPath: STORE_FOLDER } : {}) },
    ],
  };
}

/** Awaited until it has the address of the pod. */
export function renderService(args: PrometheusArgs) {
  const annotations = { "pulumi.com/timeoutSeconds": String(SERVICE_TIMEOUT_SECONDS) };
  return {
    metadata: { ...metadata(args), annotations },
    spec: {
      type: "ClusterIP",
      selector,
      ports: [{ name: "http", port: PROMETHEUS_PORT, targetPort: "http", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

/** Who may reach Prometheus: the watcher. People look at it by a forwarded port, which comes from the pod itself. */
export function renderPrometheusPolicy(args: PrometheusArgs) {
  const from = [{ pods: selectorLabelsFor({ component: "watcher" }) }];
  return renderPolicy(metadata(args), selector, [{ from, ports: [PROMETHEUS_PORT] }]);
}

/**
 * Where the servers of a model are found, of all its live versions. Not awaited, since it has none before the first
 * version. Those that only start are found too: a counter's growth is seen by whoever saw it at 0. Undefined where they
 * tell nothing.
 */
export function renderServersService(model: WatchedModel, args: PrometheusArgs) {
  const { name } = model;
  const metrics = metricsOf(model);
  if (metrics === undefined) {
    return undefined;
  }
  const owner = { component: "serving", model: name } as const;
  return {
    metadata: {
      name: serversServiceName(name),
      namespace: args.artifacts.namespace,
      labels: labelsFor(owner),
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: selectorLabelsFor(owner),
      ports: [{ name: "metrics", port: metrics.port, targetPort: metrics.port, protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

function metadata({ artifacts }: PrometheusArgs) {
  return { name: PROMETHEUS_NAME, namespace: artifacts.namespace, labels };
}
