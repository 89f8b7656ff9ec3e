import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { PodDisruptionBudgetArgs } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { presetOf, serverOf, startupSecondsOf } from "../catalog/engines.ts";
import { SERVER_CONFIG_FOLDER, type Server } from "../catalog/types.ts";
import { type Placed, place } from "../compute/scheduling/queue.ts";
import { type Labels, labelsFor } from "../core/labels.ts";
import { accuracyOf } from "../lifecycle/gate.ts";
import type { ServedVersion } from "../lifecycle/types.ts";
import { CAPTURED_FOLDER, capturedFolder } from "../platform/artifacts.ts";
import { memoryQuantity, renderResources } from "../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../platform/pod/security.ts";
import { serviceAccountName } from "./addresses.ts";
import {
  HTTP_PORT,
  REVISIONS_KEPT,
  ROLLOUT_MARGIN_SECONDS,
  SERVER_DRAIN_SECONDS,
  STARTUP_PERIOD_SECONDS,
} from "./defaults.ts";
import { renderBudget, renderSpread } from "./pods.ts";
import { mostServers, renderReplicas, renderTakeover } from "./scaling.ts";
import type { EndpointArgs } from "./types.ts";

/** The objects of one live version. */
export interface VersionObjects {
  readonly version: string;
  readonly service: ServiceArgs;
  readonly deployment: DeploymentArgs;
  /** Only of a server that reads its configuration from a file. */
  readonly config?: ConfigMapArgs;
  /** Only where there is more than one server to keep. */
  readonly budget?: PodDisruptionBudgetArgs;
}

type Context = Pick<EndpointArgs, "artifacts" | "images" | "placements">;

/**
 * Waited for until it is there, whether it works or not. Not `skipAwait`: with it the provider does not wait for the end of the
 * servers either, and their address would go while routers still lead to it.
 */
const ONLY_MADE = "jsonpath={.metadata.uid}";

/**
 * A version's servers and their address. A version goes from trial to stable without a change of its pods: only whether the
 * engine waits for them changes.
 */
export function renderVersion(served: ServedVersion, context: Context, onTrial: boolean) {
  return {
    version: served.version,
    service: renderService(served, context),
    deployment: renderDeployment(served, context, onTrial),
    ...renderConfig(served, context),
    ...(mostServers(served.model.serving.scaling) > 1
      ? { budget: renderBudget(metadata(served, context), labelsOf(served)) }
      : {}),
  } satisfies VersionObjects;
}

/**
 * The servers. A new image starts beside the old servers and replaces each only when it is ready to answer. The engine
 * waits for those of a stable version, as long as they may take. Those of a version on trial are their judge's to wait for:
 * one that never starts is to be rolled back, not to fail every run of the engine.
 */
function renderDeployment(served: ServedVersion, context: Context, onTrial: boolean) {
  const { scaling } = served.model.serving;
  const startupSeconds = startupSecondsOf(served.model.serving);
  // One server at a time is replaced, so the waits add up; the Deployment's own clock starts anew with each.
  const timeoutSeconds = startupSeconds * mostServers(scaling) + ROLLOUT_MARGIN_SECONDS;
  const annotations = onTrial
    ? { "pulumi.com/waitFor": ONLY_MADE }
    : { "pulumi.com/timeoutSeconds": String(timeoutSeconds) };
  return {
    metadata: {
      ...metadata(served, context),
      labels: { ...labelsOf(served), ...placeServer(served, context).labels },
      annotations: { ...annotations, ...renderTakeover(scaling) },
    },
    spec: {
      ...renderReplicas(scaling),
      selector: { matchLabels: labelsOf(served) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      progressDeadlineSeconds: startupSeconds + ROLLOUT_MARGIN_SECONDS,
      revisionHistoryLimit: REVISIONS_KEPT,
      template: renderPod(served, context),
    },
  } satisfies DeploymentArgs;
}

/** What a server reads beside the model. Made before it, and named by the version, whose engine is the model's. */
function renderConfig(served: ServedVersion, context: Context): { readonly config?: ConfigMapArgs } {
  const { files } = serverFor(served);
  return Object.keys(files).length === 0
    ? {}
    : { config: { metadata: { ...metadata(served, context), name: configName(served) }, data: files } };
}

function configName({ version }: ServedVersion): string {
  return `${version}-server`;
}

function serverFor({ model }: ServedVersion): Server {
  return serverOf(model.serving.engine, model.name);
}

/** Where a server goes. Each is of use by itself, so each of a Deployment's pods waits in the queue for itself. */
function placeServer({ model }: ServedVersion, { placements }: Context): Placed {
  return place({ part: "serving", pool: model.serving.resources.pool }, placements);
}

function renderPod(served: ServedVersion, context: Context) {
  const { files, sharesMemory } = serverFor(served);
  const { engine, resources } = served.model.serving;
  return {
    metadata: { labels: labelsOf(served) },
    spec: {
      ...placeServer(served, context).pod,
      serviceAccountName: serviceAccountName(served.model.name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: SERVER_DRAIN_SECONDS + presetOf(engine).requestSeconds,
      securityContext: POD_SECURITY,
      topologySpreadConstraints: renderSpread(labelsOf(served)),
      containers: [renderServer(served, context)],
      volumes: [
        { name: "artifacts", persistentVolumeClaim: renderClaim(served, context) },
        { name: "tmp", emptyDir: {} },
        ...(Object.keys(files).length === 0 ? [] : [{ name: "config", configMap: { name: configName(served) } }]),
        // What lies there is the container's memory: half of it at most, or nothing would be left to work with.
        ...(sharesMemory
          ? [
              {
                name: "shared-memory",
                emptyDir: { medium: "Memory", sizeLimit: memoryQuantity(resources.memoryGiB / 2) },
              },
            ]
          : []),
      ],
    },
  };
}

/** A model that is watched writes, into its own folder of what it keeps; no other does. */
function renderClaim({ model }: ServedVersion, { artifacts: { claimName } }: Context) {
  return model.watch === undefined ? { claimName, readOnly: true } : { claimName };
}

function renderServer(served: ServedVersion, context: Context) {
  const { images } = context;
  const { model, version, record } = served;
  const { engine } = model.serving;
  const server = serverFor(served);
  const ready = { path: server.readyPath, port: "http" };
  return {
    name: "server",
    image: engine.kind === "mlserver" ? images.server : engine.image,
    ...(server.command === undefined ? {} : { command: [...server.command] }),
    ...(server.args.length === 0 ? {} : { args: [...server.args] }),
    env: renderEnvironment({
      HOME: "/tmp",
      TMPDIR: "/tmp",
      ...server.env,
      // What answers are compared with: of what is served, so it is the same as long as the version is.
      ...(model.watch === undefined
        ? {}
        : { MILLWRIGHT_CAPTURE: CAPTURED_FOLDER, MILLWRIGHT_ACCURACY: String(accuracyOf(served)) }),
      MILLWRIGHT_VERSION: version,
    }),
    ports: renderPorts(server),
    resources: renderResources(model.serving.resources, placeServer(served, context).resource),
    securityContext: CONTAINER_SECURITY,
    startupProbe: {
      httpGet: ready,
      periodSeconds: STARTUP_PERIOD_SECONDS,
      failureThreshold: Math.ceil(startupSecondsOf(model.serving) / STARTUP_PERIOD_SECONDS),
      timeoutSeconds: 2,
    },
    readinessProbe: { httpGet: ready, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 2 },
    // Generous, because a restart of a server that is only busy makes the rest busier.
    livenessProbe: {
      httpGet: { path: server.livePath, port: "http" },
      periodSeconds: 10,
      failureThreshold: 6,
      timeoutSeconds: 5,
    },
    lifecycle: { preStop: { sleep: { seconds: SERVER_DRAIN_SECONDS } } },
    volumeMounts: [
      { name: "artifacts", mountPath: server.modelFolder, subPath: record.artifact.path, readOnly: true },
      ...(model.watch === undefined
        ? []
        : [{ name: "artifacts", mountPath: CAPTURED_FOLDER, subPath: capturedFolder(model.name) }]),
      { name: "tmp", mountPath: "/tmp" },
      ...(Object.keys(server.files).length === 0
        ? []
        : [{ name: "config", mountPath: SERVER_CONFIG_FOLDER, readOnly: true }]),
      ...(server.sharesMemory ? [{ name: "shared-memory", mountPath: "/dev/shm" }] : []),
    ],
  };
}

function renderEnvironment(values: Readonly<Record<string, string>>) {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
}

/** Two names for one port would be one too many: the API server takes a port of a container once. */
function renderPorts({ port, metrics }: Server) {
  return [
    { name: "http", containerPort: port, protocol: "TCP" },
    ...(metrics === undefined || metrics.port === port
      ? []
      : [{ name: "metrics", containerPort: metrics.port, protocol: "TCP" }]),
  ];
}

/**
 * The version's address, for the router and for its judge. Made before the servers, so not awaited: it has nobody to
 * lead to yet. The engine removes in the opposite order, so it leads to the last servers until they are gone.
 */
function renderService(served: ServedVersion, context: Context) {
  return {
    metadata: { ...metadata(served, context), annotations: { "pulumi.com/skipAwait": "true" } },
    spec: {
      type: "ClusterIP",
      selector: labelsOf(served),
      ports: [{ name: "http", port: HTTP_PORT, targetPort: "http", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

function metadata(served: ServedVersion, { artifacts }: Context) {
  return { name: served.version, namespace: artifacts.namespace, labels: labelsOf(served) };
}

/** With the version, in selectors too: all of these objects come and go with it. */
function labelsOf({ model, version }: ServedVersion): Labels {
  return labelsFor({ component: "serving", model: model.name, version });
}
