import { type EngineSpec, engineSchema } from "../../../stacks/engines.ts";

export const IMAGE = `registry.example/server@sha256:${"a".repeat(64)}`;

/** One engine of each kind, with every field it has written out. */
export const EXAMPLES: { readonly [K in EngineSpec["kind"]]: EngineSpec } = {
  mlserver: engineSchema.parse("mlserver"),
  triton: engineSchema.parse({ kind: "triton", image: IMAGE }),
  "tensorflow-serving": engineSchema.parse({ kind: "tensorflow-serving", image: IMAGE }),
  vllm: engineSchema.parse({
    kind: "vllm",
    image: IMAGE,
    servedName: "org/triage",
    tensorParallel: 2,
    maxModelLength: 8192,
  }),
  custom: engineSchema.parse({
    kind: "custom",
    image: IMAGE,
    port: 9000,
    readyPath: "/v2/models/{model}/ready",
    livePath: "/live",
    modelFolder: "/models/{model}",
    arguments: ["--model={model}"],
    environment: { THREADS: "2" },
    metrics: { port: 9100, path: "/stats", latencySeconds: "request_seconds" },
  }),
};

export const KINDS = Object.keys(EXAMPLES) as EngineSpec["kind"][];
