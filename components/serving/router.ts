import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { ModelSpec } from "../../stacks/schema.ts";
import { presetOf } from "../catalog/engines.ts";
import { place } from "../compute/scheduling/queue.ts";
import { hashOf, SHORT_HASH_LENGTH } from "../core/hash.ts";
import { type Labels, labelsFor, selectorLabelsFor } from "../core/labels.ts";
import { renderResources } from "../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import { metricsServiceName, routerName, serviceAccountName } from "./addresses.ts";
import {
  DRAIN_SECONDS,
  HTTP_PORT,
  MAX_BODY_BYTES,
  MAX_ROUTERS,
  REVISIONS_KEPT,
  ROLLOUT_MARGIN_SECONDS,
  ROUTER_FILE,
  ROUTER_FOLDER,
  ROUTER_METRICS_PORT,
  ROUTER_RESOURCES,
  ROUTER_STARTUP_SECONDS,
  SERVICE_TIMEOUT_SECONDS,
} from "./defaults.ts";
import { longestRequestSeconds, renderHaproxyConfig } from "./haproxy.ts";
import { renderBudget, renderSpread } from "./pods.ts";
import { mostServers, requestsAtATime, waitsOf } from "./scaling.ts";
import type { EndpointArgs, Route, RouterLimits } from "./types.ts";

/** The annotation of a router's pods that says which configuration they run, by its SHA-256. */
export const CONFIG_ANNOTATION = "millwright.dev/router-config";

/** Seconds beyond the longest request until a router that has not ended is killed. */
const KILL_MARGIN_SECONDS = 5;

type Context = Pick<EndpointArgs, "artifacts" | "images" | "placements">;

/** A model's routers: what they run, how they are reached, and their configuration. */
export function renderRouter(model: ModelSpec, routes: readonly Route[], context: Context) {
  const replicas = routersOf(model);
  const limits = limitsOf(model);
  const config = renderHaproxyConfig({ routes, limits, ports: { http: HTTP_PORT, metrics: ROUTER_METRICS_PORT } });
  const hash = hashOf(config);
  return {
    config: renderConfigMap(model, config, hash, context),
    deployment: renderDeployment(model, hash, limits, context),
    service: renderService(model, context),
    metrics: renderMetricsService(model, context),
    ...(replicas > 1
      ? { budget: renderBudget(metadata(model, routerName(model.name), context), selector(model)) }
      : {}),
  };
}

/** As many routers as servers, as far as more than one is of use. */
function routersOf({ serving }: ModelSpec): number {
  return Math.min(mostServers(serving.scaling), MAX_ROUTERS);
}

function limitsOf(model: ModelSpec): RouterLimits {
  const { requestSeconds, requestsAtATime: perServer } = presetOf(model.serving.engine);
  return {
    concurrency: Math.ceil(requestsAtATime(model.serving.scaling, perServer) / routersOf(model)),
    bodyBytes: MAX_BODY_BYTES,
    ...waitsOf(model.serving),
    requestSeconds,
  };
}

/** Named by its content, so that each router keeps the configuration it was started with until it is gone. */
function renderConfigMap(model: ModelSpec, config: string, hash: string, context: Context) {
  return {
    metadata: metadata(model, configName(model, hash), context),
    immutable: true,
    data: { [ROUTER_FILE]: config },
  } satisfies ConfigMapArgs;
}

/**
 * The routers. A new configuration starts beside the old routers and replaces each only when it takes requests; the
 * engine waits for it.
 */
function renderDeployment(model: ModelSpec, hash: string, limits: RouterLimits, context: Context) {
  const replicas = routersOf(model);
  const timeoutSeconds = ROUTER_STARTUP_SECONDS * replicas + ROLLOUT_MARGIN_SECONDS;
  return {
    metadata: {
      ...metadata(model, routerName(model.name), context),
      annotations: { "pulumi.com/timeoutSeconds": String(timeoutSeconds) },
    },
    spec: {
      replicas,
      selector: { matchLabels: selector(model) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      progressDeadlineSeconds: ROUTER_STARTUP_SECONDS + ROLLOUT_MARGIN_SECONDS,
      revisionHistoryLimit: REVISIONS_KEPT,
      template: {
        metadata: { labels: labelsOf(model), annotations: { [CONFIG_ANNOTATION]: hash } },
        spec: {
          ...place({ part: "serving" }, context.placements).pod,
          serviceAccountName: serviceAccountName(model.name),
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: DRAIN_SECONDS + longestRequestSeconds(limits) + KILL_MARGIN_SECONDS,
          securityContext: POD_SECURITY,
          topologySpreadConstraints: renderSpread(selector(model)),
          containers: [renderContainer(context)],
          volumes: [{ name: "config", configMap: { name: configName(model, hash) } }],
        },
      },
    },
  } satisfies DeploymentArgs;
}

function renderContainer({ images }: Context) {
  const health = { path: "/healthz", port: "metrics" };
  return {
    name: "router",
    image: images.router,
    ports: [
      { name: "http", containerPort: HTTP_PORT, protocol: "TCP" },
      { name: "metrics", containerPort: ROUTER_METRICS_PORT, protocol: "TCP" },
    ],
    resources: renderResources(ROUTER_RESOURCES),
    securityContext: CONTAINER_SECURITY,
    startupProbe: {
      httpGet: health,
      periodSeconds: 1,
      failureThreshold: ROUTER_STARTUP_SECONDS,
      timeoutSeconds: 2,
    },
    readinessProbe: { httpGet: health, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 2 },
    livenessProbe: { httpGet: health, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
    lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
    volumeMounts: [{ name: "config", mountPath: ROUTER_FOLDER, readOnly: true }],
  };
}

/** The model's stable address, whatever versions serve. Awaited until it has the address of a router. */
function renderService(model: ModelSpec, context: Context) {
  return {
    metadata: {
      ...metadata(model, model.name, context),
      annotations: { "pulumi.com/timeoutSeconds": String(SERVICE_TIMEOUT_SECONDS) },
    },
    spec: {
      type: "ClusterIP",
      selector: selector(model),
      ports: [{ name: "http", port: HTTP_PORT, targetPort: "http", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

/** Headless: counters are of one router each, so whoever reads them must find every one. */
function renderMetricsService(model: ModelSpec, context: Context) {
  return {
    metadata: {
      ...metadata(model, metricsServiceName(model.name), context),
      annotations: { "pulumi.com/timeoutSeconds": String(SERVICE_TIMEOUT_SECONDS) },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      selector: selector(model),
      ports: [{ name: "metrics", port: ROUTER_METRICS_PORT, targetPort: "metrics", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

function configName(model: ModelSpec, hash: string): string {
  return `${routerName(model.name)}-${hash.slice(0, SHORT_HASH_LENGTH)}`;
}

function metadata(model: ModelSpec, name: string, { artifacts }: Context) {
  return { name, namespace: artifacts.namespace, labels: labelsOf(model) };
}

function labelsOf({ name }: ModelSpec): Labels {
  return labelsFor({ component: "router", model: name });
}

function selector({ name }: ModelSpec): Labels {
  return selectorLabelsFor({ component: "router", model: name });
}
