import type { CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { labelsFor } from "../../core/labels.ts";
import { NODE_STARTUP_SECONDS, REVISIONS_KEPT, ROLLOUT_MARGIN_SECONDS } from "./defaults.ts";
import { workloadName } from "./names.ts";
import { labelsOfRole, renderPodTemplate } from "./pods.ts";
import { mostReplicas, renderReplicas, rollout } from "./scaling.ts";
import type { LanguageEndpointArgs } from "./types.ts";

/** Replicas of one node each. The engine waits until all of them answer. */
export function renderDeployment(args: LanguageEndpointArgs) {
  const { endpoint, host } = args;
  return {
    apiVersion: "apps/v1" as const,
    kind: "Deployment" as const,
    metadata: renderMetadata(args, {
      "pulumi.com/timeoutSeconds": String(timeoutSeconds(args)),
      // An autoscaler that counted the replicas before still owns the field, and it is taken back.
      ...(endpoint.scaling.kind === "fixed" ? { "pulumi.com/patchForce": "true" } : {}),
    }),
    spec: {
      ...renderReplicas(endpoint),
      selector: { matchLabels: labelsOfRole(endpoint, "alone") },
      strategy: { type: "RollingUpdate", rollingUpdate: rollout(endpoint, host) },
      progressDeadlineSeconds: startSeconds(args),
      revisionHistoryLimit: REVISIONS_KEPT,
      template: renderPodTemplate(args, "alone"),
    },
  } satisfies DeploymentArgs;
}

/**
 * Replicas of several nodes: a group for each, whose first pod answers. A group lives and dies as a whole, since what one of
 * its pods computed is worth nothing without the others. The leader is not waited for by its workers: it is ready only with
 * them. The engine waits for the condition Available: as many groups as are wanted.
 */
export function renderGroup(args: LanguageEndpointArgs) {
  const { endpoint, host } = args;
  return {
    apiVersion: "leaderworkerset.x-k8s.io/v1",
    kind: "LeaderWorkerSet" as const,
    metadata: renderMetadata(args, {
      "pulumi.com/timeoutSeconds": String(timeoutSeconds(args)),
      "pulumi.com/waitFor": "condition=Available",
      ...(endpoint.scaling.kind === "fixed" ? { "pulumi.com/patchForce": "true" } : {}),
    }),
    spec: {
      ...renderReplicas(endpoint),
      startupPolicy: "LeaderCreated",
      rolloutStrategy: { type: "RollingUpdate", rollingUpdateConfiguration: rollout(endpoint, host) },
      leaderWorkerTemplate: {
        size: endpoint.parallelism.pipeline,
        restartPolicy: "RecreateGroupOnPodRestart",
        leaderTemplate: renderPodTemplate(args, "leader"),
        workerTemplate: renderPodTemplate(args, "worker"),
      },
    },
  } satisfies CustomResourceArgs;
}

/** The queue's labels are the object's alone: a selector that had them could never change its queue. */
function renderMetadata(
  { endpoint, namespace, placed }: LanguageEndpointArgs,
  annotations: Readonly<Record<string, string>>,
) {
  return {
    name: workloadName(endpoint.name),
    namespace,
    labels: { ...labelsFor({ component: "serving", model: endpoint.name }), ...placed?.labels },
    annotations,
  };
}

/** Seconds until a replica answers at the latest: a machine, the image, the weights. */
function startSeconds({ endpoint, host }: LanguageEndpointArgs): number {
  return (host.growsOnDemand ? NODE_STARTUP_SECONDS : 0) + ROLLOUT_MARGIN_SECONDS + endpoint.startupSeconds;
}

/** One replica at a time is replaced, so the waits add up. */
function timeoutSeconds(args: LanguageEndpointArgs): number {
  return startSeconds(args) + args.endpoint.startupSeconds * (mostReplicas(args.endpoint) - 1);
}
