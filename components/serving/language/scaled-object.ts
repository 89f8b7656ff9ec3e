import type { CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import { type Labels, labelsFor } from "../../core/labels.ts";
import {
  BLIND_POLLS,
  GROWTH_STABILISATION_SECONDS,
  POLL_SECONDS,
  SCALER_TIMEOUT_SECONDS,
  SHRINK_PERCENT,
  SHRINK_SECONDS,
} from "./defaults.ts";
import { workloadName } from "./names.ts";
import type { LanguageEndpointArgs } from "./types.ts";

type AutoScaling = Extract<EndpointSpec["scaling"], { kind: "auto" }>;

/**
 * How many replicas the requests call for, in PromQL, from what every vLLM says of itself:
 *
 *     running / sequences + min(waiting / waitingRequests, replicas that answer)
 *
 * `sequences` run in a replica at the same time, so the first term is how many the requests under way keep busy. Those that
 * wait call for more, one for each `waitingRequests`.
 *
 * Against overshooting: all is counted together and not a replica, so a replica that is only wanted never calls for another;
 * and what waits calls for no more than as many again as answer, however long the queue grows while they load.
 */
export function demandQuery(endpoint: EndpointSpec & { readonly scaling: AutoScaling }, labels: Labels): string {
  const { name, context, scaling } = endpoint;
  const selector = Object.entries({ ...labels, model_name: name })
    .map(([label, value]) => `${label}="${value}"`)
    .join(",");
  const series = (metric: string) => `vllm:${metric}{${selector}}`;
  const running = series("num_requests_running");
  return (
    `sum(${running}) / ${context.sequences}` +
    ` + clamp_max(sum(${series("num_requests_waiting")}) / ${scaling.waitingRequests}, scalar(count(${running})))`
  );
}

/**
 * What scales the replicas; undefined where their number is fixed. They have no number of their own then. Where the metrics
 * cannot be asked, or tell nothing, the replicas stay as they are.
 */
export function renderScaledObject({ endpoint, namespace, metrics }: LanguageEndpointArgs) {
  const { scaling } = endpoint;
  if (scaling.kind === "fixed" || metrics === undefined) {
    return undefined;
  }
  const name = workloadName(endpoint.name);
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: {
      name,
      namespace,
      labels: labelsFor({ component: "serving", model: endpoint.name }),
      annotations: {
        "pulumi.com/timeoutSeconds": String(SCALER_TIMEOUT_SECONDS),
        "pulumi.com/waitFor": "condition=Ready",
      },
    },
    spec: {
      scaleTargetRef:
        endpoint.parallelism.pipeline > 1
          ? { apiVersion: "leaderworkerset.x-k8s.io/v1", kind: "LeaderWorkerSet", name }
          : { apiVersion: "apps/v1", kind: "Deployment", name },
      pollingInterval: POLL_SECONDS,
      minReplicaCount: scaling.min,
      maxReplicaCount: scaling.max,
      fallback: { failureThreshold: BLIND_POLLS, replicas: scaling.min, behavior: "currentReplicasIfHigher" },
      advanced: { horizontalPodAutoscalerConfig: { name, behavior: renderBehavior(scaling) } },
      triggers: [
        {
          type: "prometheus",
          metricType: "AverageValue",
          metadata: {
            serverAddress: metrics.url,
            query: demandQuery({ ...endpoint, scaling }, metrics.labels ?? { namespace }),
            threshold: "1",
            // No answer is not the answer that nothing waits.
            ignoreNullValues: "false",
            ...(metrics.awsRegion === undefined ? {} : { awsRegion: metrics.awsRegion }),
          },
          ...(metrics.awsRegion === undefined ? {} : { authenticationRef: { name } }),
        },
      ],
    },
  } satisfies CustomResourceArgs;
}

/** KEDA asks Amazon's Prometheus as itself, by its own pod's identity; undefined where nothing is to be signed. */
export function renderTriggerAuthentication({ endpoint, namespace, metrics }: LanguageEndpointArgs) {
  if (endpoint.scaling.kind === "fixed" || metrics?.awsRegion === undefined) {
    return undefined;
  }
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "TriggerAuthentication",
    metadata: {
      name: workloadName(endpoint.name),
      namespace,
      labels: labelsFor({ component: "serving", model: endpoint.name }),
    },
    spec: { podIdentity: { provider: "aws" } },
  } satisfies CustomResourceArgs;
}

/** Grows as fast as is wanted, to twice what answers at a time; shrinks slowly, for a start takes minutes. */
function renderBehavior({ stabilisationSeconds }: AutoScaling) {
  return {
    scaleUp: {
      stabilizationWindowSeconds: GROWTH_STABILISATION_SECONDS,
      policies: [{ type: "Percent", value: 100, periodSeconds: POLL_SECONDS }],
    },
    scaleDown: {
      stabilizationWindowSeconds: stabilisationSeconds,
      policies: [{ type: "Percent", value: SHRINK_PERCENT, periodSeconds: SHRINK_SECONDS }],
    },
  };
}
