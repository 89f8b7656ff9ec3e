import assert from "node:assert/strict";
import {
  ENGINES,
  presetOf,
  protocolOf,
  servedNameOf,
  serverOf,
  startupSecondsOf,
} from "../../../components/catalog/engines.ts";
import { engineKinds, engineSchema } from "../../../stacks/engines.ts";
import { EXAMPLES, IMAGE, KINDS } from "./engines.ts";

/**
 * The table of engines: that it is whole, and what it says. That the servers do what it says is proved for MLServer alone, by
 * the integration suite: the others' images and GPUs are not here.
 */

/** What is known by heart of each, written down a second time. */
const KNOWN = {
  mlserver: {
    protocol: "v2",
    port: 8080,
    metrics: [8082, "/metrics"],
    ready: "/v2/models/triage/ready",
    live: "/v2/health/live",
    folder: "/mnt/models",
    startup: 180,
  },
  triton: {
    protocol: "v2",
    port: 8000,
    metrics: [8002, "/metrics"],
    ready: "/v2/models/triage/ready",
    live: "/v2/health/live",
    folder: "/mnt/models/triage/1",
    startup: 600,
  },
  "tensorflow-serving": {
    protocol: "tensorflow",
    port: 8501,
    metrics: [8501, "/monitoring/prometheus/metrics"],
    ready: "/v1/models/triage",
    live: "/v1/models/triage",
    folder: "/mnt/models/triage/1",
    startup: 300,
  },
  vllm: {
    protocol: "openai",
    port: 8000,
    metrics: [8000, "/metrics"],
    ready: "/health",
    live: "/health",
    folder: "/mnt/models",
    startup: 1200,
  },
  custom: {
    protocol: "v2",
    port: 9000,
    metrics: [9100, "/stats"],
    ready: "/v2/models/triage/ready",
    live: "/live",
    folder: "/models/triage",
    startup: 600,
  },
} as const;

describe("the catalogue of engines", () => {
  it("has a row for each kind the stack file can name, each with its source and a date", () => {
    assert.deepEqual(Object.keys(ENGINES).sort(), [...engineKinds].sort());
    for (const [kind, { source, readOn, title, loads }] of Object.entries(ENGINES)) {
      assert.ok(source.length > 5 && title !== "" && loads !== "", kind);
      assert.match(readOn, /^20\d\d-\d\d(-\d\d)?$/, kind);
      assert.ok(!Number.isNaN(Date.parse(readOn)), kind);
    }
  });

  for (const kind of KINDS) {
    it(`knows where ${kind} listens, what tells its health, and where it finds the model`, () => {
      const engine = EXAMPLES[kind];
      const { port, metrics, readyPath, livePath, modelFolder } = serverOf(engine, "triage");
      assert.deepEqual(
        {
          protocol: protocolOf(engine),
          port,
          metrics: [metrics?.port, metrics?.path],
          ready: readyPath,
          live: livePath,
          folder: modelFolder,
          startup: startupSecondsOf({ engine }),
        },
        KNOWN[kind],
      );
    });

    it(`listens for ${kind} on ports no one needs a privilege for`, () => {
      const { port, metrics } = serverOf(EXAMPLES[kind], "triage");
      assert.ok([port, metrics?.port ?? port].every((each) => each >= 1024 && each <= 65_535));
    });
  }

  it("names metrics as a selector Prometheus takes", () => {
    for (const kind of KINDS) {
      const { metrics } = serverOf(EXAMPLES[kind], "triage");
      for (const name of [metrics?.requests, metrics?.errors, metrics?.queue].filter((each) => each !== undefined)) {
        assert.match(name, /^[a-zA-Z_:][\w:]*(\{[a-z_]+(=|!=|=~)"[^"]+"\})?$/, kind);
      }
      assert.match(metrics?.latency?.name ?? "none", /^[a-zA-Z_:][\w:]*$/, kind);
    }
    assert.deepEqual(
      KINDS.map((kind) => serverOf(EXAMPLES[kind], "triage").metrics?.queue),
      ["batch_request_queue", "nv_inference_pending_request_count", undefined, "vllm:num_requests_waiting", undefined],
    );
  });

  it("tells vLLM what to load, for how many GPUs, and under which name", () => {
    assert.deepEqual(serverOf(EXAMPLES.vllm, "triage").args, [
      "serve",
      "/mnt/models",
      "--port=8000",
      "--served-model-name=org/triage",
      "--tensor-parallel-size=2",
      "--max-model-len=8192",
      "--gpu-memory-utilization=0.9",
    ]);
    const plain = serverOf(engineSchema.parse({ kind: "vllm", image: IMAGE }), "triage");
    assert.ok(plain.args.includes("--served-model-name=triage"));
    assert.ok(!plain.args.some((each) => each.startsWith("--max-model-len")));
    assert.equal(plain.env["HF_HUB_OFFLINE"], "1");
    assert.deepEqual(
      [servedNameOf(EXAMPLES.vllm, "triage"), servedNameOf(EXAMPLES.triton, "triage")],
      ["org/triage", "triage"],
    );
  });

  it("points TensorFlow Serving and Triton at the folder above the version's", () => {
    assert.ok(serverOf(EXAMPLES.triton, "triage").args.includes("--model-repository=/mnt/models"));
    const { args, files } = serverOf(EXAMPLES["tensorflow-serving"], "triage");
    assert.ok(args.includes("--model_base_path=/mnt/models/triage") && args.includes("--model_name=triage"));
    assert.match(files["monitoring.config"]!, /enable: true, path: "\/monitoring\/prometheus\/metrics"/);
    assert.ok(args.includes("--monitoring_config_file=/etc/millwright/server/monitoring.config"));
  });

  it("gives a custom image its arguments and variables, with the model's name where it asks for it", () => {
    const { args, env, command } = serverOf(EXAMPLES.custom, "triage");
    assert.deepEqual([args, env, command], [["--model=triage"], { THREADS: "2" }, undefined]);
    const silent = engineSchema.parse({ kind: "custom", image: IMAGE, port: 9000, readyPath: "/", livePath: "/" });
    assert.equal(serverOf(silent, "triage").metrics, undefined);
  });

  it("lets the stack say how long a start may take", () => {
    assert.equal(startupSecondsOf({ engine: EXAMPLES.vllm, startupSeconds: 60 }), 60);
  });

  it("gives a language model longer for an answer than a classifier", () => {
    assert.ok(presetOf(EXAMPLES.vllm).requestSeconds > presetOf(EXAMPLES.mlserver).requestSeconds);
  });
});
