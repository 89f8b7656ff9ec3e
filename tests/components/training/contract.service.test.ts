import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { renderCompression } from "../../../components/training/compression.ts";
import { renderRollout } from "../../../components/training/rollout.ts";
import { renderSearch } from "../../../components/training/search.ts";
import { renderTraining } from "../../../components/training/training.ts";
import { TRAINING_RUN } from "../fixtures.ts";
import { COMPRESSION_RUN, CONTEXT, ROLLOUT_STEP_RUN, SEARCH_RUN } from "./fixtures.ts";

const TRAINER = resolve(import.meta.dirname, "../../../workloads/trainer");

/** Debian's Python, as the images have it. What is imported here needs nothing but its standard library. */
const PYTHON = "/usr/bin/python3";

const LIMITS =
  "{'min_requests': 50, 'max_error_rate': 0.01, 'max_latency_increase': 0.5, 'min_latency_increase_ms': 20.0, 'max_accuracy_drop': 0.02, " +
  "'min_agreement': 0.9, 'better_may_differ': False}";

/** What the workload makes of a spec, as Python writes it; an error of the workload's where it refuses. */
function readByWorkload(rendered: { spec: { data: Record<string, string> } }, read: string): string {
  const program = `import json, sys\nspec = json.load(sys.stdin)\n${read}`;
  return execFileSync(PYTHON, ["-c", program], {
    input: rendered.spec.data["spec.json"]!,
    env: { PYTHONPATH: TRAINER, PYTHONDONTWRITEBYTECODE: "1" },
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  }).trim();
}

/**
 * Both halves of workloads/CONTRACT.md: what is rendered is what the workload's own reader of specs takes, field by
 * field. Not proven: that the workload does with it what it should; the workloads suite does.
 */
describe("the spec of a run is understood by the workload", () => {
  it("of a search", () => {
    const search = renderSearch({
      ...CONTEXT,
      run: SEARCH_RUN,
      database: { host: "database", port: 5432, user: "millwright", secretName: "database-1", secretKey: "password" },
    });
    const read = [
      "from millwright_workloads.search_spec import SearchSpec",
      "spec = SearchSpec.of(spec)",
      "print(spec.algorithm, spec.pruner, spec.trials, spec.seed, spec.timeout_seconds, spec.most_epochs)",
      "print(spec.directions, spec.objectives[0].metric)",
      "for path, parameter in sorted(spec.space.parameters.items()): print(path, *vars(parameter).values())",
    ].join("\n");
    assert.deepEqual(readByWorkload(search, read).split("\n"), [
      "tpe median 12 17 900.0 2",
      "['maximize'] validationAccuracy",
      "batchSize (32, 64) None",
      "learningRate 0.0001 0.1 None True None",
      "network.channels 8 64 8 False None",
      "network.dropout 0.0 0.5 None False Condition(parameter='batchSize', equals=32)",
    ]);
  });

  it("of a training", () => {
    const read = [
      "from millwright_workloads.training_spec import TrainingSpec",
      "spec = TrainingSpec.of(spec, 'run', 2)",
      "print(spec.labels, spec.epochs, spec.batch, spec.rate, spec.seed, spec.max_restarts, spec.base)",
    ].join("\n");
    const base = { run: "mail-triage-training-0123456789", sha256: "8".repeat(64) };
    for (const [run, start] of [
      [TRAINING_RUN, "None"],
      [{ ...TRAINING_RUN, base }, `Base(run='${base.run}', sha256='${base.sha256}')`],
    ] as const) {
      assert.equal(
        readByWorkload(renderTraining({ ...CONTEXT, run }), read),
        `['spam', 'wanted'] 4 64 0.001 17 3 ${start}`,
      );
    }
  });

  it("of a compression", () => {
    const read = [
      "from millwright_workloads.compression_spec import CompressionSpec",
      "spec = CompressionSpec.of(spec, 'run')",
      "print(spec.name, spec.measurement_seconds, spec.training['learningRate'])",
      "for step in spec.steps: print(type(step).__name__, *vars(step).values())",
    ].join("\n");
    assert.deepEqual(readByWorkload(renderCompression({ ...CONTEXT, run: COMPRESSION_RUN }), read).split("\n"), [
      "all 5.0 0.02",
      "Distill {'channels': 16} 3 0.01 2.0 0.5",
      "Prune taylor 0.5 None 256 1 0.001 0.0001",
      "Prune magnitude None 0.001 256 1 0.001 0.0001",
      "Quantize qat 256 1 0.001",
    ]);
  });

  it("of a rollout", () => {
    const urls = { candidate: "http://a:1", stable: "http://b:1", routerMetrics: "http://c:1/metrics" };
    const read = [
      "from millwright_workloads.rollout import RolloutSpec",
      "spec = RolloutSpec.of(spec)",
      "print(spec.candidate, spec.stable is not None, spec.step, spec.steps, spec.weight, spec.step_seconds)",
      "print(vars(spec.limits))",
    ].join("\n");
    assert.deepEqual(readByWorkload(renderRollout({ ...CONTEXT, run: ROLLOUT_STEP_RUN, urls }), read).split("\n"), [
      "mail-triage-training-fedcba9876 True 1 2 50 20.0",
      LIMITS,
    ]);
  });
});
