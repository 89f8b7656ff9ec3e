import type { CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { ScalingSpec } from "../../stacks/schema.ts";
import { labelsFor } from "../core/labels.ts";
import type { ServedVersion } from "../lifecycle/types.ts";
import { routerLoadUrl } from "./addresses.ts";
import {
  BLIND_POLLS,
  GROWTH_STABILISATION_SECONDS,
  POLL_SECONDS,
  SCALER_TIMEOUT_SECONDS,
  SHRINK_PERCENT,
  SHRINK_SECONDS,
} from "./defaults.ts";
import type { EndpointArgs } from "./types.ts";

type AutoScaling = Extract<ScalingSpec, { kind: "auto" }>;

/** How a version stands in its endpoint, as far as its servers' number goes. */
export interface Standing {
  /** Percent of the model's requests that go to it. */
  readonly weight: number;
  /** A version is on trial, this one or another: all have to be there for the judge, who asks them past the router. */
  readonly isJudged: boolean;
}

/**
 * What scales the servers of one version; undefined where their number is fixed. Its Deployment has none of its own.
 *
 * The number comes from the model's routers: requests they have at a time, those that wait for a server included. So
 * it is there when no server is. A version gets its percent of them, so it takes as many more of them all to call for
 * a server:
 *
 *     servers = ceil(requests x weight / 100 / concurrency), between min and max
 *
 * Against overshooting: requests are counted all together, not a server, so that one more server never calls for
 * another; growth is bounded by the time a server takes to start; and a rise has to outlast one look of the
 * HorizontalPodAutoscaler. Where the routers cannot be asked, servers stay as they are, and none falls asleep.
 */
export function renderScaledObject(
  served: ServedVersion,
  standing: Standing,
  { artifacts }: Pick<EndpointArgs, "artifacts">,
) {
  const { version, model } = served;
  const { scaling } = model.serving;
  if (scaling.kind === "fixed") {
    return undefined;
  }
  const least = standing.isJudged ? Math.max(1, scaling.min) : scaling.min;
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: {
      name: version,
      namespace: artifacts.namespace,
      labels: labelsFor({ component: "serving", model: model.name, version }),
      annotations: {
        "pulumi.com/waitFor": "condition=Ready",
        "pulumi.com/timeoutSeconds": String(SCALER_TIMEOUT_SECONDS),
      },
    },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: version },
      pollingInterval: POLL_SECONDS,
      // The first applies after a request, the second before any: both are the user's idea of how long nobody may ask.
      cooldownPeriod: scaling.idleSeconds,
      initialCooldownPeriod: scaling.idleSeconds,
      minReplicaCount: least,
      maxReplicaCount: scaling.max,
      fallback: {
        failureThreshold: BLIND_POLLS,
        replicas: Math.max(1, least),
        behavior: "currentReplicasIfHigher",
      },
      advanced: {
        // A version whose number is to be fixed from now on may be asleep when this goes: it must not sleep for ever.
        restoreToOriginalReplicaCount: true,
        horizontalPodAutoscalerConfig: { name: version, behavior: renderBehavior(scaling) },
      },
      triggers: [
        {
          type: "metrics-api",
          metricType: "AverageValue",
          metadata: {
            url: routerLoadUrl(model.name, artifacts.namespace),
            format: "json",
            valueLocation: "requests",
            aggregateFromKubeServiceEndpoints: "true",
            aggregationType: "sum",
            targetValue: String(requestsPerServer(scaling, standing.weight)),
            activationTargetValue: "0",
          },
        },
      ],
    },
  } satisfies CustomResourceArgs;
}

/** Requests of the whole model at a time for which a version with this percent of them wants one server. */
function requestsPerServer({ concurrency }: AutoScaling, weight: number): number {
  return Number(((concurrency * 100) / weight).toFixed(3));
}

function renderBehavior({ stabilisationSeconds, growthReplicas, growthSeconds }: AutoScaling) {
  return {
    scaleUp: {
      stabilizationWindowSeconds: GROWTH_STABILISATION_SECONDS,
      selectPolicy: "Max",
      policies: [{ type: "Pods", value: growthReplicas, periodSeconds: growthSeconds }],
    },
    scaleDown: {
      stabilizationWindowSeconds: stabilisationSeconds,
      selectPolicy: "Max",
      policies: [{ type: "Percent", value: SHRINK_PERCENT, periodSeconds: SHRINK_SECONDS }],
    },
  };
}
