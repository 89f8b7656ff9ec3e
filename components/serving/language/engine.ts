import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import { VLLM_ENVIRONMENT, vllmArguments } from "../../catalog/engines.ts";
import { STREAM_FRACTION, WEIGHTS_FOLDER } from "./defaults.ts";
import { podResources, usesEfa, usesHugepages } from "./resources.ts";
import type { Host } from "./types.ts";

/** Where weights come from. */
export type WeightsSource =
  | { readonly kind: "bucket"; readonly url: string }
  /** `path` is relative to the artifact store. */
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "repository"; readonly name: string; readonly revision: string | undefined };

export function weightsOf({ model: { weights, revision } }: Pick<EndpointSpec, "model">): WeightsSource {
  if (weights.startsWith("s3://")) {
    return { kind: "bucket", url: weights };
  }
  return weights.startsWith("/")
    ? { kind: "folder", path: weights.replace(/^\/+/, "") }
    : { kind: "repository", name: weights, revision };
}

/** What a value of vLLM's `--dtype` is called here. Weights in other formats say by themselves what they are computed in. */
const DTYPES: { readonly [D in EndpointSpec["model"]["dataType"]]?: string } = { bf16: "bfloat16", fp16: "float16" };

/**
 * vLLM's arguments of one node of a replica. Weights that are quantised need none of their own: their config.json says how.
 *
 * Over several nodes each runs the same program: the first listens and answers, the others (`--headless`) compute. They
 * find each other by what the LeaderWorkerSet puts into their environment. No Ray: docs.vllm.ai 0.32,
 * serving/parallelism_scaling, "Running vLLM with MultiProcessing".
 */
export function engineArguments(endpoint: EndpointSpec, role: "alone" | "leader" | "worker"): readonly string[] {
  const { name, model, parallelism, context, memoryFraction } = endpoint;
  const source = weightsOf(endpoint);
  const dtype = DTYPES[model.dataType];
  return [
    ...vllmArguments({
      model: source.kind === "bucket" ? source.url : source.kind === "folder" ? WEIGHTS_FOLDER : source.name,
      servedName: name,
      tensorParallel: parallelism.tensor,
      maxModelLength: context.tokens,
      gpuMemoryFraction: memoryFraction,
    }),
    `--max-num-seqs=${context.sequences}`,
    ...(dtype === undefined ? [] : [`--dtype=${dtype}`]),
    ...(source.kind === "bucket" ? ["--load-format=runai_streamer"] : []),
    ...(source.kind === "repository" && source.revision !== undefined ? [`--revision=${source.revision}`] : []),
    ...(role === "alone"
      ? []
      : [
          `--pipeline-parallel-size=${parallelism.pipeline}`,
          "--distributed-executor-backend=mp",
          "--nnodes=$(LWS_GROUP_SIZE)",
          "--node-rank=$(LWS_WORKER_INDEX)",
          "--master-addr=$(LWS_LEADER_ADDRESS)",
          ...(role === "worker" ? ["--headless"] : []),
        ]),
  ];
}

const BYTES_PER_GIB = 2 ** 30;

/** A variable of a container. */
export type Variable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly valueFrom: object };

/**
 * A container's variables, by name. With EFA, what NCCL and libfabric want: aws.amazon.com, "EFA cheatsheet" of
 * awsome-distributed-training, read 2026-09; the image needs libfabric and aws-ofi-nccl.
 */
export function engineEnvironment(endpoint: EndpointSpec, host: Host): readonly Variable[] {
  const { parallelism, model } = endpoint;
  const source = weightsOf(endpoint);
  const memoryBytes = podResources(endpoint).memoryGiB * BYTES_PER_GIB;
  const values: Readonly<Record<string, string>> = {
    HOME: "/tmp",
    TMPDIR: "/tmp",
    ...VLLM_ENVIRONMENT,
    ...(source.kind === "repository" ? {} : { HF_HUB_OFFLINE: "1" }),
    // Each process streams for itself, through memory of the pod.
    ...(source.kind === "bucket"
      ? { RUNAI_STREAMER_MEMORY_LIMIT: String(Math.floor((memoryBytes * STREAM_FRACTION) / parallelism.tensor)) }
      : {}),
    // A pod has one interface beside the loopback; without this they may choose the loopback.
    ...(parallelism.pipeline > 1 ? { NCCL_SOCKET_IFNAME: "eth0", GLOO_SOCKET_IFNAME: "eth0" } : {}),
    ...(usesEfa(endpoint, host) ? { FI_PROVIDER: "efa", FI_EFA_FORK_SAFE: "1" } : {}),
    ...(usesEfa(endpoint, host) && !usesHugepages(endpoint, host) ? { FI_EFA_USE_HUGE_PAGE: "0" } : {}),
  };
  const plain = Object.entries(values).map(([name, value]): Variable => ({ name, value }));
  const references: Variable[] = [
    // What the others of a group reach it by: its own address, not the name's.
    ...(parallelism.pipeline > 1
      ? [{ name: "VLLM_HOST_IP", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "status.podIP" } } }]
      : []),
    ...(source.kind === "repository" && model.token !== undefined
      ? [{ name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: model.token.secretName, key: model.token.key } } }]
      : []),
  ];
  return [...plain, ...references].sort((a, b) => (a.name < b.name ? -1 : 1));
}
