import type { GateEntry, ModelPlan, Plan, ServedVersion } from "../../components/lifecycle/types.ts";
import type { EngineSpec } from "../../stacks/engines.ts";
import type { ModelSpec } from "../../stacks/schema.ts";
import { curlLine } from "./example.ts";

export interface NodeStatus {
  readonly name: string;
  readonly ready: boolean;
  /** Pods that are running on it. */
  readonly pods: number;
}

export interface ModelStatus {
  readonly name: string;
  readonly stage: string;
  readonly reason: string;
  /** The version that serves, or null. */
  readonly version: string | null;
  /** Metrics of the version that serves, fractions on the test split; null before there is one. */
  readonly metrics: Readonly<Record<string, number>> | null;
  /** The version on trial and the percent of the requests it gets, or null. */
  readonly canary: { readonly version: string; readonly weight: number } | null;
  /** What the gate said of each version of the newest training; empty before it was asked. */
  readonly gate: readonly GateEntry[];
  readonly task: ModelSpec["task"];
  readonly engine: EngineSpec;
  /** Base URL of the endpoint, or null; what it is asked there is its engine's. */
  readonly endpoint: string | null;
  /** The last line a run in progress wrote. */
  readonly progress?: string;
}

/** What `npm run -s status -- <stack> --json` prints. */
export interface StatusReport {
  readonly stack: string;
  readonly settled: boolean;
  readonly nodes: readonly NodeStatus[];
  readonly models: readonly ModelStatus[];
}

/** What the cluster says of each model beside its records, by model name. */
export interface Live {
  readonly endpoints: Readonly<Record<string, string>>;
  readonly progress: Readonly<Record<string, string>>;
}

export function statusReport(plan: Plan, nodes: readonly NodeStatus[], live: Live): StatusReport {
  return {
    stack: plan.stack.name,
    settled: plan.settled,
    nodes: [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1)),
    models: plan.models.flatMap((model, at) => {
      const spec = plan.stack.models[at];
      return spec === undefined ? [] : [modelStatus(model, spec, live)];
    }),
  };
}

function modelStatus(model: ModelPlan, { task, serving: { engine } }: ModelSpec, live: Live): ModelStatus {
  const { name, stage, reason, stable, canary, gate } = model;
  const progress = live.progress[name];
  return {
    name,
    task,
    engine,
    stage,
    reason,
    version: stable?.version ?? null,
    metrics: stable === undefined ? null : metricsOf(stable),
    canary: canary === undefined ? null : { version: canary.version.version, weight: canary.weight },
    gate: gate?.entries ?? [],
    endpoint: stable === undefined ? null : (live.endpoints[name] ?? null),
    ...(progress === undefined ? {} : { progress }),
  };
}

/** Of a compressed version, its own accuracy among the metrics of the training it comes from. */
function metricsOf({ record, training }: ServedVersion): Readonly<Record<string, number>> {
  return record.kind === "training" ? record.metrics : { ...training.metrics, ...record.result };
}

const percent = (fraction: number | undefined) => (fraction === undefined ? "-" : `${(100 * fraction).toFixed(2)} %`);

/** The page a person reads. */
export function renderStatus(report: StatusReport): string {
  const lines = [`stack ${report.stack}: ${report.settled ? "settled" : "in progress"}`, ""];
  for (const node of report.nodes) {
    lines.push(`  node ${node.name}: ${node.ready ? "ready" : "NOT READY"}, ${node.pods} pods running`);
  }
  for (const model of report.models) {
    lines.push("", `  model ${model.name}: ${model.stage}`, `    ${model.reason}`);
    if (model.progress !== undefined) {
      lines.push(`    now: ${model.progress}`);
    }
    if (model.version !== null && model.metrics !== null) {
      lines.push(`    serves ${model.version}`, ...metricLines(model.task, model.metrics));
    }
    if (model.canary !== null) {
      lines.push(`    on trial: ${model.canary.version}, with ${model.canary.weight} % of the requests`);
    }
    lines.push(...gateLines(model.gate));
    if (model.endpoint !== null) {
      lines.push(`    endpoint ${model.endpoint}`, `    try: ${curlLine(model, model.endpoint)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const SIMPLE_MODEL: Readonly<Record<ModelSpec["task"], string>> = {
  "text-classification": "bag of words:",
  "image-classification": "logistic regression:",
};

function metricLines(task: ModelSpec["task"], metrics: Readonly<Record<string, number>>): string[] {
  const row = (name: string, accuracy: number | undefined, f1: number | undefined) =>
    `    ${name.padEnd(21)} accuracy ${percent(accuracy)}, F1 ${percent(f1)}`;
  return [
    row("on the test split:", metrics["testAccuracy"], metrics["testF1"]),
    row(SIMPLE_MODEL[task], metrics["simpleAccuracy"], metrics["simpleF1"]),
    row("majority class:", metrics["majorityAccuracy"], metrics["majorityF1"]),
  ];
}

/** What was tried of the newest training, what was chosen, and why each other was not. */
function gateLines(entries: readonly GateEntry[]): string[] {
  if (entries.length < 2) {
    return [];
  }
  const rows = entries.map(({ candidate, accuracy, measurement, rejected }) => {
    const numbers =
      measurement === undefined
        ? "".padEnd(48)
        : `${`${(measurement.bytes / 1e6).toFixed(2)} MB`.padStart(9)} ${`${measurement.latencyP99Ms.toFixed(2)} ms`.padStart(10)} ${`${measurement.throughputPerSecond.toFixed(0)}/s`.padStart(8)}`;
    return `      ${candidate.padEnd(24)} ${percent(accuracy).padStart(8)} ${numbers}  ${rejected ?? "chosen"}`;
  });
  return ["    candidates, accuracy, size, p99 latency, throughput on one core:", ...rows];
}
