import { hostOf } from "../../../../components/serving/language/host.ts";
import type { LanguageEndpointArgs } from "../../../../components/serving/language/types.ts";
import { type EndpointSpec, endpointSchema } from "../../../../stacks/endpoints.ts";
import { type PoolSpec, poolSchema } from "../../../../stacks/pools.ts";
import { type SchedulingSpec, schedulingSchema } from "../../../../stacks/scheduling.ts";

const IMAGE = `vllm/vllm-openai@sha256:${"a".repeat(64)}`;
const INSTANCE_RESERVATION = "cr-0123456789abcdef0";

/** Machines with 4 L40S each, as many as are called for. */
export const L40S_POOL: PoolSpec = poolSchema.parse({
  name: "serving",
  provisioning: { kind: "karpenter", instanceTypes: ["g6e.12xlarge"] },
  size: { kind: "auto", max: 8 },
});

/** Four machines with 8 H100 and EFA in one placement group. */
export const H100_POOL: PoolSpec = poolSchema.parse({
  name: "frontier",
  provisioning: {
    kind: "nodeGroup",
    instanceTypes: ["p5.48xlarge"],
    capacity: { kind: "reserved", id: INSTANCE_RESERVATION },
    zones: ["us-east-2a"],
  },
  size: { kind: "fixed", nodes: 4 },
  network: { efa: "all", placementGroup: "cluster" },
  hugepages2MiGiB: 10,
});

/** A team that waits in a queue of Kueue. */
export const SCHEDULING: SchedulingSpec = schedulingSchema.parse({
  queues: { kind: "kueue" },
  topology: ["topology.k8s.aws/network-node-layer-2"],
  teams: [
    {
      name: "research",
      quotas: [
        { pool: "serving", accelerators: 16 },
        { pool: "frontier", accelerators: 32 },
      ],
    },
  ],
});

/** 8 billion parameters on one device. */
export const SMALL = {
  name: "chat",
  model: { architecture: "llama-3.1-8b", weights: "s3://weights/llama-3.1-8b" },
  image: IMAGE,
  pool: L40S_POOL.name,
  context: { tokens: 8192, sequences: 16 },
};

/** 405 billion parameters on two nodes of 8 devices. */
export const LARGE = {
  name: "frontier-chat",
  model: { architecture: "llama-3.1-405b", weights: "s3://weights/llama-3.1-405b" },
  image: IMAGE,
  pool: H100_POOL.name,
  parallelism: { tensor: 8, pipeline: 2 },
  context: { tokens: 8192, sequences: 24 },
  startupSeconds: 3600,
};

export function endpointOf(raw: object): EndpointSpec {
  return endpointSchema.parse(raw);
}

export const SMALL_ARGS: LanguageEndpointArgs = {
  endpoint: endpointOf(SMALL),
  host: hostOf(L40S_POOL),
  namespace: "models",
};

export const LARGE_ARGS: LanguageEndpointArgs = {
  endpoint: endpointOf(LARGE),
  host: hostOf(H100_POOL),
  namespace: "models",
};

/** The same, scaled by what waits. */
export function scaledArgs(args: LanguageEndpointArgs, scaling: object = {}): LanguageEndpointArgs {
  return {
    ...args,
    endpoint: endpointOf({ ...args.endpoint, scaling: { kind: "auto", min: 1, max: 2, ...scaling } }),
    metrics: { url: "http://prometheus.models.svc.cluster.local:9090" },
  };
}
