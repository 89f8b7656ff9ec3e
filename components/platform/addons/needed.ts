import type { PoolSpec } from "../../../stacks/pools.ts";
import { acceleratorOf } from "../../compute/pools/machines.ts";
import { isAutoscaledGroup } from "../../compute/pools/node-group.ts";
import { CHART_NAMES, type ChartName } from "./charts.ts";
import type { Addon, AddonContext, AddonStack, GuestStack, Values } from "./types.ts";
import { clusterAutoscalerValues } from "./values/cluster-autoscaler.ts";
import { efaValues } from "./values/efa.ts";
import { gpuOperatorValues } from "./values/gpu-operator.ts";
import { karpenterValues } from "./values/karpenter.ts";
import { kueueValues } from "./values/kueue.ts";
import { jobsetValues, kedaValues, lwsValues, nodeStateValues, prometheusValues } from "./values/others.ts";

/**
 * The add-ons of a cluster: those that something in the stack, or in one that stands on its cluster, cannot do without, in the
 * order in which they may be installed. Pure. Only of an EKS cluster of the stack's own: another one has what it has.
 *
 * A stack of models knows its endpoints and the stack of the cluster does not; so whoever asks gives the guests along, and a
 * guest that wants something new has the cluster's stack brought up first.
 */
export function addonsOf(
  stack: AddonStack,
  context: AddonContext,
  guests: readonly GuestStack[] = [],
): readonly Addon[] {
  const { cluster } = stack.platform;
  if (cluster.kind !== "eks") {
    return [];
  }
  const needed = reasons(stack, guests);
  const monitored = cluster.metrics === "inCluster";
  const endpoints = [stack, ...guests].flatMap((each) => each.endpoints);
  const values: { readonly [N in ChartName]: () => Values } = {
    "kube-prometheus-stack": prometheusValues,
    "kube-state-metrics": nodeStateValues,
    "gpu-operator": () => gpuOperatorValues(stack.pools.filter(hasNvidia), monitored),
    "aws-efa-k8s-device-plugin": () => efaValues(stack.pools.filter(hasEfa), context.region),
    "karpenter-crd": () => ({}),
    karpenter: () => karpenterValues(stack.pools, context, monitored),
    "cluster-autoscaler": () => clusterAutoscalerValues(cluster.version, context, monitored),
    keda: () => kedaValues(context, monitored),
    jobset: jobsetValues,
    lws: lwsValues,
    kueue: () =>
      kueueValues(
        endpoints.map(({ startupSeconds }) => startupSeconds),
        monitored,
      ),
  };
  return CHART_NAMES.flatMap((chart) => {
    const because = needed[chart];
    return because === undefined ? [] : [{ chart, because, values: values[chart]() }];
  });
}

/** What calls for each chart; undefined where nothing does. */
function reasons(stack: AddonStack, guests: readonly GuestStack[]): { readonly [N in ChartName]: string | undefined } {
  const { pools, scheduling, platform } = stack;
  const endpoints = [stack, ...guests].flatMap((each) => each.endpoints);
  const models = guests.flatMap((each) => each.models);
  const karpenter = because("karpenter makes the nodes of", pools.filter(isKarpenters));
  const queues = scheduling?.queues.kind === "kueue" ? "scheduling.queues is kueue" : undefined;
  const scaled = [
    ...endpoints.filter(({ scaling }) => scaling.kind === "auto"),
    ...models.filter(({ serving }) => serving.scaling.kind === "auto"),
  ];
  return {
    "kube-prometheus-stack":
      platform.cluster.kind === "eks" && platform.cluster.metrics === "inCluster"
        ? "platform.cluster.metrics is inCluster"
        : undefined,
    "kube-state-metrics":
      platform.cluster.kind === "eks" && platform.cluster.metrics === "managed"
        ? "platform.cluster.metrics is managed, and no add-on of it tells of nodes"
        : undefined,
    "gpu-operator": because("NVIDIA's devices are in", pools.filter(hasNvidia)),
    "aws-efa-k8s-device-plugin": because("EFA is in", pools.filter(hasEfa)),
    "karpenter-crd": karpenter,
    karpenter,
    "cluster-autoscaler": because("the Cluster Autoscaler sets the size of", pools.filter(isAutoscaledGroup)),
    keda: platform.autoscaler !== undefined ? "platform.autoscaler is set" : because("requests scale", scaled),
    // Kueue admits one as a whole, which is how several Jobs that need each other are kept together.
    jobset: queues,
    lws: because(
      "several nodes are one replica of",
      endpoints.filter(({ parallelism }) => parallelism.pipeline > 1),
    ),
    kueue: queues,
  };
}

function because(what: string, which: readonly { readonly name: string }[]): string | undefined {
  return which.length === 0 ? undefined : `${what} ${which.map(({ name }) => name).join(", ")}`;
}

function isKarpenters({ provisioning }: PoolSpec): boolean {
  return provisioning.kind === "karpenter";
}

function hasNvidia(pool: PoolSpec): boolean {
  return acceleratorOf(pool)?.device.vendor === "nvidia";
}

function hasEfa({ network }: PoolSpec): boolean {
  return network.efa !== "none";
}
