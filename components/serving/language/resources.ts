import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import type { Resources } from "../../../stacks/schema.ts";
import { type ResourceRequirements, renderResources } from "../../platform/pod/resources.ts";
import { EFA_HUGEPAGES_GIB, RESOURCES_A_DEVICE } from "./defaults.ts";
import type { Host } from "./types.ts";

/** What Amazon's device plugin calls an Elastic Fabric Adapter. */
const EFA_RESOURCE = "vpc.amazonaws.com/efa";

type Sized = Pick<EndpointSpec, "parallelism" | "resources">;

/** Only a replica over several nodes has something to say over the network. */
export function usesEfa({ parallelism }: Pick<EndpointSpec, "parallelism">, host: Host): boolean {
  return parallelism.pipeline > 1 && host.efaInterfaces > 0;
}

/**
 * EFA's library keeps its buffers in huge pages where the nodes have any. Karpenter's have none: it starts no machine for a
 * pod that asks for them.
 */
export function usesHugepages(endpoint: Pick<EndpointSpec, "parallelism">, host: Host): boolean {
  return usesEfa(endpoint, host) && host.hugepagesGiB > 0;
}

/** Cores and memory of each pod, beside its devices. */
export function podResources({ parallelism: { tensor }, resources }: Sized): Resources {
  return (
    resources ?? {
      cpu: RESOURCES_A_DEVICE.cpu * tensor,
      cpuLimit: RESOURCES_A_DEVICE.cpuLimit * tensor,
      memoryGiB: RESOURCES_A_DEVICE.memoryGiB * tensor,
    }
  );
}

/**
 * Requests and limits of a pod: a device for each part of a layer, and with EFA its share of the node's adapters, and
 * huge pages where there are any. Devices and huge pages are limits alone: the API server makes them requests, and takes no other.
 */
export function renderPodResources(endpoint: Sized, host: Host): ResourceRequirements {
  const { requests, limits } = renderResources(podResources(endpoint));
  const { tensor } = endpoint.parallelism;
  const { resource } = host.placement;
  return {
    requests,
    limits: {
      ...limits,
      ...(resource === undefined ? {} : { [resource]: String(tensor) }),
      ...(usesEfa(endpoint, host) ? { [EFA_RESOURCE]: String(efaOfPod(endpoint, host)) } : {}),
      ...(usesHugepages(endpoint, host) ? { "hugepages-2Mi": `${EFA_HUGEPAGES_GIB}Gi` } : {}),
    },
  };
}

/** A pod's share of the node's adapters is its share of the node's devices, and at least one. */
export function efaOfPod({ parallelism: { tensor } }: Sized, { efaInterfaces, devices }: Host): number {
  return Math.max(1, Math.floor((efaInterfaces * tensor) / Math.max(1, devices)));
}

/** Part of a node's cores and memory that pods get; the rest is the system's, the kubelet's and the DaemonSets'. */
export const ALLOCATABLE_FRACTION = 0.92;

/** Pods of an endpoint that fit onto one node: by devices, cores and memory. */
export function podsPerNode(endpoint: Sized, host: Host): number {
  const { cpu, memoryGiB } = podResources(endpoint);
  return Math.floor(
    Math.min(
      host.devices / endpoint.parallelism.tensor,
      (host.cpu * ALLOCATABLE_FRACTION) / cpu,
      (host.memoryGiB * ALLOCATABLE_FRACTION) / memoryGiB,
    ),
  );
}

/** Replicas that fit into the pool at its largest, if nothing else is there. */
export function mostThatFit(endpoint: Sized, host: Host): number {
  return Math.floor((podsPerNode(endpoint, host) * host.maxNodes) / endpoint.parallelism.pipeline);
}
