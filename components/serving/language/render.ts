import type { CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { PodDisruptionBudgetArgs } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { labelsFor } from "../../core/labels.ts";
import { serviceAccountName } from "../addresses.ts";
import { HTTP_PORT } from "../defaults.ts";
import { SERVICE_TIMEOUT_SECONDS } from "./defaults.ts";
import { workloadName } from "./names.ts";
import { labelsOfRole } from "./pods.ts";
import { renderPolicy, selectorOfPods } from "./policies.ts";
import { renderScaledObject, renderTriggerAuthentication } from "./scaled-object.ts";
import { mostReplicas } from "./scaling.ts";
import type { LanguageEndpointArgs } from "./types.ts";
import { renderDeployment, renderGroup } from "./workload.ts";

/** The objects of an endpoint. Pure. */
export function renderLanguageEndpoint(args: LanguageEndpointArgs) {
  const { endpoint, monitored = false } = args;
  return {
    account: renderAccount(args),
    policy: renderPolicy(args),
    workload: endpoint.parallelism.pipeline > 1 ? renderGroup(args) : renderDeployment(args),
    service: renderService(args),
    budget: mostReplicas(endpoint) > 1 ? renderBudget(args) : undefined,
    monitor: monitored ? renderMonitor(args) : undefined,
    authentication: renderTriggerAuthentication(args),
    scaledObject: renderScaledObject(args),
  };
}

/** An identity with no rights in the cluster; on AWS a role may be given to it, to read the weights. */
function renderAccount(args: LanguageEndpointArgs) {
  return {
    metadata: metadata(args, serviceAccountName(args.endpoint.name)),
    automountServiceAccountToken: false,
  } satisfies ServiceAccountArgs;
}

/** The endpoint's address: it leads to what answers, and to no pod that only computes. */
function renderService(args: LanguageEndpointArgs) {
  return {
    metadata: {
      ...metadata(args, args.endpoint.name),
      annotations: { "pulumi.com/timeoutSeconds": String(SERVICE_TIMEOUT_SECONDS) },
    },
    spec: {
      type: "ClusterIP",
      selector: labelsOfRole(args.endpoint, "leader"),
      ports: [{ name: "http", port: HTTP_PORT, targetPort: "http", protocol: "TCP" }],
    },
  } satisfies ServiceArgs;
}

/** A drain takes one pod at a time; a group that lost one has lost all, so the next waits until it is whole again. */
function renderBudget(args: LanguageEndpointArgs) {
  return {
    metadata: metadata(args, workloadName(args.endpoint.name)),
    // Not in the way of a drain: a pod that does not answer anyway.
    spec: { maxUnavailable: 1, selector: selectorOfPods(args), unhealthyPodEvictionPolicy: "AlwaysAllow" },
  } satisfies PodDisruptionBudgetArgs;
}

/** Tells the Prometheus Operator where to look. */
function renderMonitor(args: LanguageEndpointArgs) {
  const { endpoint, namespace } = args;
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: metadata(args, workloadName(endpoint.name)),
    spec: {
      namespaceSelector: { matchNames: [namespace] },
      selector: { matchLabels: labelsFor({ component: "serving", model: endpoint.name }) },
      endpoints: [{ port: "http", path: "/metrics", interval: "15s" }],
    },
  } satisfies CustomResourceArgs;
}

function metadata({ endpoint, namespace }: LanguageEndpointArgs, name: string) {
  return { name, namespace, labels: labelsFor({ component: "serving", model: endpoint.name }) };
}
