import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import { ENGINES, VLLM_COMMAND } from "../../catalog/engines.ts";
import { type Labels, labelsFor } from "../../core/labels.ts";
import { memoryQuantity } from "../../platform/pod/resources.ts";
import { CONTAINER_SECURITY, POD_SECURITY } from "../../platform/pod/security.ts";
import { serviceAccountName } from "../addresses.ts";
import { renderSpread } from "../pods.ts";
import {
  DRAIN_SECONDS,
  ENGINE_PORT,
  SHARED_MEMORY_FRACTION,
  STARTUP_PERIOD_SECONDS,
  WEIGHTS_FOLDER,
} from "./defaults.ts";
import { engineArguments, engineEnvironment, weightsOf } from "./engine.ts";
import { podResources, renderPodResources } from "./resources.ts";
import type { LanguageEndpointArgs } from "./types.ts";

/** What a pod does in its replica: all of it, or answer for its group, or compute for it. */
export type Role = "alone" | "leader" | "worker";

/** Labels of what answers, and of the pods that compute for it, which nobody is to be led to. */
export function labelsOfRole({ name }: Pick<EndpointSpec, "name">, role: Role): Labels {
  return labelsFor({ component: role === "worker" ? "serving-worker" : "serving", model: name });
}

/** How scrapers find what answers that go by annotations, as Amazon's does by its default configuration. */
const SCRAPED = {
  "prometheus.io/path": "/metrics",
  "prometheus.io/port": String(ENGINE_PORT),
  "prometheus.io/scrape": "true",
};

/** One pod of a replica, as Deployment and LeaderWorkerSet take it. */
export function renderPodTemplate(args: LanguageEndpointArgs, role: Role) {
  const { endpoint, host } = args;
  const labels = labelsOfRole(endpoint, role);
  const { priorityClassName } = args.placed?.pod ?? {};
  const source = weightsOf(endpoint);
  return {
    metadata: {
      labels,
      annotations: { ...args.placed?.annotations, ...(role === "worker" ? {} : SCRAPED) },
    },
    spec: {
      serviceAccountName: serviceAccountName(endpoint.name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: DRAIN_SECONDS + ENGINES.vllm.requestSeconds,
      securityContext: POD_SECURITY,
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      nodeSelector: host.placement.nodeSelector,
      tolerations: [...host.placement.tolerations],
      ...(role === "alone"
        ? { topologySpreadConstraints: renderSpread(labels) }
        : { affinity: renderNearness(endpoint) }),
      containers: [renderEngine(args, role)],
      volumes: [
        { name: "tmp", emptyDir: {} },
        {
          name: "shared-memory",
          emptyDir: {
            medium: "Memory",
            sizeLimit: memoryQuantity(podResources(endpoint).memoryGiB * SHARED_MEMORY_FRACTION),
          },
        },
        ...(source.kind === "folder"
          ? [{ name: "artifacts", persistentVolumeClaim: { claimName: args.claimName ?? "", readOnly: true } }]
          : []),
      ],
    },
  };
}

/** The narrowest part of AWS's network that nodes are labelled with. */
const NETWORK_LABEL = "topology.k8s.aws/network-node-layer-3";

/**
 * The pods of a group are near to each other, as far as there is room. Not by the LeaderWorkerSet's exclusive topology: that
 * keeps every other group out of the place as well, so of two groups in one placement group the second would never start.
 */
function renderNearness(endpoint: Pick<EndpointSpec, "name">) {
  const matchLabels = Object.fromEntries(
    Object.entries(labelsOfRole(endpoint, "leader")).filter(([label]) => label !== "app.kubernetes.io/component"),
  );
  return {
    podAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: {
            labelSelector: { matchLabels },
            // Only the pods of one's own group: the LeaderWorkerSet numbers them.
            matchLabelKeys: ["leaderworkerset.sigs.k8s.io/group-index"],
            topologyKey: NETWORK_LABEL,
          },
        },
      ],
    },
  };
}

function renderEngine(args: LanguageEndpointArgs, role: Role) {
  const { endpoint, host } = args;
  const source = weightsOf(endpoint);
  const health = { path: "/health", port: "http" };
  return {
    name: "server",
    image: endpoint.image,
    command: [...VLLM_COMMAND],
    args: [...engineArguments(endpoint, role)],
    env: [...engineEnvironment(endpoint, host)],
    resources: renderPodResources(endpoint, host),
    securityContext: CONTAINER_SECURITY,
    // Who computes for a leader listens to nobody; when it ends, the leader ends, and the group begins anew.
    ...(role === "worker"
      ? {}
      : {
          ports: [{ name: "http", containerPort: ENGINE_PORT, protocol: "TCP" }],
          startupProbe: {
            httpGet: health,
            periodSeconds: STARTUP_PERIOD_SECONDS,
            failureThreshold: Math.ceil(endpoint.startupSeconds / STARTUP_PERIOD_SECONDS),
            timeoutSeconds: 5,
          },
          readinessProbe: { httpGet: health, periodSeconds: 5, failureThreshold: 3, timeoutSeconds: 5 },
          // Generous, because a server that is only busy would load for minutes again.
          livenessProbe: { httpGet: health, periodSeconds: 15, failureThreshold: 8, timeoutSeconds: 10 },
          lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
        }),
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      { name: "shared-memory", mountPath: "/dev/shm" },
      ...(source.kind === "folder"
        ? [{ name: "artifacts", mountPath: WEIGHTS_FOLDER, subPath: source.path, readOnly: true }]
        : []),
    ],
  };
}
