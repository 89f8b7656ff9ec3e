import { ACCELERATOR_LABEL, labelsFor } from "../../../components/core/labels.ts";
import type { TraceNode, TracePod } from "./trace.ts";

/**
 * What nodes offer of their GPUs and pods ask for: thousandths of a GPU. Kubernetes counts such a resource in whole numbers and
 * by node, so a part of a GPU can be asked for, but which device gives it is not the scheduler's to see.
 */
export const GPU_MILLI = "millwright.dev/gpu-milli";

export const REPLAY_NAMESPACE = "default";

/** More pods than any trace puts on a node: what limits them is what they ask for. */
const PODS_A_NODE = 10_000;

const labels = labelsFor({ component: "platform" });

/** A node that is nothing but an object, ready for good. */
export function nodeObject({ name, cpuMilli, memoryMiB, gpus, gpuModel }: TraceNode) {
  const capacity = {
    cpu: `${cpuMilli}m`,
    memory: `${memoryMiB}Mi`,
    pods: String(PODS_A_NODE),
    ...(gpus > 0 ? { [GPU_MILLI]: String(1000 * gpus) } : {}),
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        ...labels,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ...(gpuModel === "" ? {} : { [ACCELERATOR_LABEL]: gpuModel }),
      },
    },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: "Ready", status: "True", reason: "Simulated" }],
    },
  };
}

/** A pod that asks for what the trace says. Nothing runs it, so its image is never pulled. */
export function podObject({ name, cpuMilli, memoryMiB, gpuMilli, gpuModels }: TracePod) {
  const resources = {
    cpu: `${cpuMilli}m`,
    memory: `${memoryMiB}Mi`,
    ...(gpuMilli > 0 ? { [GPU_MILLI]: String(gpuMilli) } : {}),
  };
  const required = {
    nodeSelectorTerms: [{ matchExpressions: [{ key: ACCELERATOR_LABEL, operator: "In", values: gpuModels }] }],
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: REPLAY_NAMESPACE, labels },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 0,
      ...(gpuModels.length === 0
        ? {}
        : { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } }),
      containers: [{ name: "workload", image: "simulated", resources: { requests: resources, limits: resources } }],
    },
  };
}
