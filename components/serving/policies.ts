import type { NetworkPolicyArgs } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { ModelSpec } from "../../stacks/schema.ts";
import { serverOf } from "../catalog/engines.ts";
import { type LabelOptions, labelsFor, selectorLabelsFor } from "../core/labels.ts";
import { type Peer, renderPolicy } from "../platform/network/policy.ts";
import { routerName, serviceAccountName } from "./addresses.ts";
import { HTTP_PORT, ROUTER_METRICS_PORT } from "./defaults.ts";
import type { EndpointArgs } from "./types.ts";

/** What KEDA's own chart and manifests label its operator with, where the cluster has it already. */
const KEDA_OPERATOR = { "app.kubernetes.io/name": "keda-operator" };

/**
 * Who may reach a model's pods. Its servers: the router and the judges, with requests, and Prometheus, for metrics. Its
 * routers: everybody with requests, and the judges, Prometheus and what scales servers for metrics and load.
 */
export function renderPolicies(model: ModelSpec, args: Pick<EndpointArgs, "artifacts" | "autoscalerNamespace">) {
  return { servers: renderServers(model, args), router: renderRouter(model, args) };
}

function renderServers(model: ModelSpec, args: Pick<EndpointArgs, "artifacts">): NetworkPolicyArgs {
  const { port, metrics } = serverOf(model.serving.engine, model.name);
  const servers = { component: "serving", model: model.name } as const;
  return renderPolicy(metadata(serviceAccountName(model.name), servers, args), selectorLabelsFor(servers), [
    {
      from: [{ pods: selectorLabelsFor({ component: "router", model: model.name }) }, judges(model)],
      ports: [port],
    },
    ...(metrics === undefined ? [] : [{ from: [PROMETHEUS], ports: [metrics.port] }]),
  ]);
}

function renderRouter(
  model: ModelSpec,
  args: Pick<EndpointArgs, "artifacts" | "autoscalerNamespace">,
): NetworkPolicyArgs {
  const routers = { component: "router", model: model.name } as const;
  const scaler: Peer =
    args.autoscalerNamespace === undefined
      ? { pods: KEDA_OPERATOR, namespace: { any: true } }
      : { pods: selectorLabelsFor({ component: "autoscaler" }), namespace: args.autoscalerNamespace };
  return renderPolicy(metadata(routerName(model.name), routers, args), selectorLabelsFor(routers), [
    { ports: [HTTP_PORT] },
    {
      from: [judges(model), PROMETHEUS, ...(model.serving.scaling.kind === "auto" ? [scaler] : [])],
      ports: [ROUTER_METRICS_PORT],
    },
  ]);
}

const PROMETHEUS: Peer = { pods: selectorLabelsFor({ component: "prometheus" }) };

function judges(model: ModelSpec): Peer {
  return { pods: selectorLabelsFor({ component: "rollout", model: model.name }) };
}

function metadata(name: string, owner: LabelOptions, { artifacts }: Pick<EndpointArgs, "artifacts">) {
  return { name, namespace: artifacts.namespace, labels: labelsFor(owner) };
}
