import type { EngineSpec, Protocol } from "../../stacks/engines.ts";
import { type Preset, SERVER_CONFIG_FOLDER, type Server } from "./types.ts";

/**
 * What is known of each kind of server. One row a kind: to add one is to add a row here and a variant to
 * stacks/engines.ts, and the compiler asks for both.
 *
 * Numbers of seconds and requests are ours, from what the sources say servers take; the rest is the servers' own.
 */
type Kind = EngineSpec["kind"];
type Of<K extends Kind> = Extract<EngineSpec, { kind: K }>;

const MODELS = "/mnt/models";

/** vLLM's program. */
export const VLLM_COMMAND = ["vllm"] as const;

/** Its user has no entry in the image, and what it fetches and compiles goes where it may write. */
export const VLLM_ENVIRONMENT = {
  HF_HOME: "/tmp/huggingface",
  TORCHINDUCTOR_CACHE_DIR: "/tmp/torchinductor",
  TRITON_CACHE_DIR: "/tmp/triton",
  USER: "millwright",
  VLLM_CACHE_ROOT: "/tmp/vllm",
  VLLM_NO_USAGE_STATS: "1",
} as const;

/** How vLLM is told what to serve; docs.vllm.ai 0.32, serving/openai_compatible_server. */
export interface VllmOptions {
  /** A folder, a bucket's prefix or a repository. */
  readonly model: string;
  /** What requests call it. */
  readonly servedName: string;
  readonly tensorParallel: number;
  /** @default what the model's own configuration says */
  readonly maxModelLength?: number | undefined;
  readonly gpuMemoryFraction: number;
}

/** The arguments every vLLM has, wherever it runs. */
export function vllmArguments({
  model,
  servedName,
  tensorParallel,
  maxModelLength,
  gpuMemoryFraction,
}: VllmOptions): readonly string[] {
  return [
    "serve",
    model,
    "--port=8000",
    `--served-model-name=${servedName}`,
    `--tensor-parallel-size=${tensorParallel}`,
    ...(maxModelLength === undefined ? [] : [`--max-model-len=${maxModelLength}`]),
    `--gpu-memory-utilization=${gpuMemoryFraction}`,
  ];
}

export const ENGINES: { readonly [K in Kind]: Preset<Of<K>> } = {
  mlserver: {
    title: "MLServer",
    source: "workloads/server; SeldonIO/MLServer a325e523, docs/user-guide/metrics.md",
    readOn: "2026-09",
    isProven: true,
    loads: "`config.json` and `model.onnx`, as workloads/trainer leaves them",
    usesGpu: false,
    startupSeconds: 180,
    requestSeconds: 30,
    // It works on one after the other: this many keep it busy, and the last of them still comes to its turn in time.
    requestsAtATime: 16,
    protocol: () => "v2",
    server: (_, model) => ({
      args: [],
      env: { MLSERVER_MODEL_NAME: model, MLSERVER_MODEL_URI: MODELS },
      port: 8080,
      metrics: {
        port: 8082,
        path: "/metrics",
        requests: "model_infer_request_success_total",
        errors: "model_infer_request_failure_total",
        latency: {
          kind: "histogram",
          name: "rest_server_request_duration_seconds",
          labels: { path: "/v2/models/{model_name}/infer" },
          perSecond: 1,
        },
        queue: "batch_request_queue",
      },
      readyPath: `/v2/models/${model}/ready`,
      livePath: "/v2/health/live",
      modelFolder: MODELS,
      files: {},
      sharesMemory: false,
    }),
  },

  triton: {
    title: "Triton Inference Server",
    source:
      "triton-inference-server/server: docs/user_guide/metrics.md (067c1e9), src/command_line_parser.cc (0299e63), docs/user_guide/model_repository.md (008fdc5)",
    readOn: "2026-11-24",
    isProven: false,
    loads: "the files of one version in Triton's model repository, such as `model.onnx` or `model.plan`",
    usesGpu: true,
    startupSeconds: 600,
    requestSeconds: 30,
    requestsAtATime: 64,
    protocol: () => "v2",
    server: (_, model) => ({
      command: ["tritonserver"],
      args: [
        `--model-repository=${MODELS}`,
        "--http-port=8000",
        "--metrics-port=8002",
        "--allow-grpc=false",
        "--strict-readiness=true",
        "--exit-timeout-secs=30",
      ],
      env: {},
      port: 8000,
      metrics: {
        port: 8002,
        path: "/metrics",
        requests: "nv_inference_request_success",
        errors: "nv_inference_request_failure",
        latency: { kind: "total", name: "nv_inference_request_duration_us", perSecond: 1e6 },
        queue: "nv_inference_pending_request_count",
      },
      readyPath: `/v2/models/${model}/ready`,
      livePath: "/v2/health/live",
      // <repository>/<model>/<version>: the version is ours to name, and each server has one.
      modelFolder: `${MODELS}/${model}/1`,
      files: {},
      sharesMemory: true,
    }),
  },

  "tensorflow-serving": {
    title: "TensorFlow Serving",
    source:
      "tensorflow/serving: tensorflow_serving/model_servers/server.cc (021efbd), g3doc/api_rest.md (00e459f); cloud.google.com/stackdriver/docs/managed-prometheus/exporters/tf-serving",
    readOn: "2026-11-24",
    isProven: false,
    loads: "a SavedModel: `saved_model.pb` and `variables/`",
    usesGpu: true,
    startupSeconds: 300,
    requestSeconds: 30,
    requestsAtATime: 64,
    protocol: () => "tensorflow",
    server: (_, model) => ({
      command: ["tensorflow_model_server"],
      args: [
        "--port=8500",
        "--rest_api_port=8501",
        `--model_name=${model}`,
        `--model_base_path=${MODELS}/${model}`,
        `--monitoring_config_file=${SERVER_CONFIG_FOLDER}/monitoring.config`,
      ],
      env: {},
      port: 8501,
      metrics: {
        port: 8501,
        path: "/monitoring/prometheus/metrics",
        requests: ':tensorflow:serving:request_count{status="OK"}',
        errors: ':tensorflow:serving:request_count{status!="OK"}',
        latency: { kind: "histogram", name: ":tensorflow:serving:request_latency", labels: {}, perSecond: 1e6 },
      },
      // It listens only when the model is loaded, and has no path of its own health.
      readyPath: `/v1/models/${model}`,
      livePath: `/v1/models/${model}`,
      modelFolder: `${MODELS}/${model}/1`,
      files: {
        "monitoring.config": 'prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }\n',
      },
      sharesMemory: false,
    }),
  },

  vllm: {
    title: "vLLM",
    source:
      "docs.vllm.ai 0.32: serving/openai_compatible_server, usage/metrics, deployment/k8s; vllm/v1/metrics/loggers.py",
    readOn: "2026-09",
    isProven: false,
    loads: "a Hugging Face folder: `config.json`, the tokenizer and `*.safetensors`",
    usesGpu: true,
    // Published cold starts of models in memory of a node take five to eight minutes.
    startupSeconds: 1200,
    requestSeconds: 300,
    requestsAtATime: 256,
    protocol: () => "openai",
    server: (engine, model) => ({
      command: VLLM_COMMAND,
      args: vllmArguments({
        model: MODELS,
        servedName: engine.servedName ?? model,
        tensorParallel: engine.tensorParallel,
        maxModelLength: engine.maxModelLength,
        gpuMemoryFraction: engine.gpuMemoryFraction,
      }),
      env: { ...VLLM_ENVIRONMENT, HF_HUB_OFFLINE: "1" },
      port: 8000,
      metrics: {
        port: 8000,
        path: "/metrics",
        requests: 'vllm:request_success_total{finished_reason=~"stop|length"}',
        errors: 'vllm:request_success_total{finished_reason="error"}',
        latency: { kind: "histogram", name: "vllm:e2e_request_latency_seconds", labels: {}, perSecond: 1 },
        queue: "vllm:num_requests_waiting",
      },
      // It listens only when the model is loaded.
      readyPath: "/health",
      livePath: "/health",
      modelFolder: MODELS,
      files: {},
      sharesMemory: true,
    }),
  },

  custom: {
    title: "any image by contract",
    source: "docs/serving.md",
    readOn: "2026-11-24",
    isProven: false,
    loads: "whatever the image loads",
    usesGpu: true,
    startupSeconds: 600,
    requestSeconds: 30,
    requestsAtATime: 16,
    protocol: ({ protocol }) => protocol,
    server: (engine, model) => {
      const named = (text: string) => text.replaceAll("{model}", model);
      const { metrics } = engine;
      return {
        args: engine.arguments.map(named),
        env: engine.environment,
        port: engine.port,
        ...(metrics === undefined
          ? {}
          : {
              metrics: {
                port: metrics.port,
                path: named(metrics.path),
                ...(metrics.latencySeconds === undefined
                  ? {}
                  : {
                      latency: { kind: "histogram" as const, name: metrics.latencySeconds, labels: {}, perSecond: 1 },
                    }),
              },
            }),
        readyPath: named(engine.readyPath),
        livePath: named(engine.livePath),
        modelFolder: named(engine.modelFolder),
        files: {},
        sharesMemory: false,
      };
    },
  },
};

/** The row of an engine. */
export function presetOf<E extends EngineSpec>(engine: E): Preset<E> {
  // The compiler does not see that the row's parameter and the engine are of one kind.
  return ENGINES[engine.kind] as unknown as Preset<E>;
}

/** How the server of a model is run. */
export function serverOf(engine: EngineSpec, model: string): Server {
  return presetOf(engine).server(engine, model);
}

/** What requests to a model look like. */
export function protocolOf(engine: EngineSpec): Protocol {
  return presetOf(engine).protocol(engine);
}

/** What requests call a model. */
export function servedNameOf(engine: EngineSpec, model: string): string {
  return engine.kind === "vllm" ? (engine.servedName ?? model) : model;
}

/** Seconds a server may take to load the model before it counts as failed. */
export function startupSecondsOf(serving: {
  readonly engine: EngineSpec;
  readonly startupSeconds?: number | undefined;
}): number {
  return serving.startupSeconds ?? presetOf(serving.engine).startupSeconds;
}
