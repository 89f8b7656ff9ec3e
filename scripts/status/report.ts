import type { ModelPlan, Plan, TrainingRecord } from "../../components/lifecycle/types.ts";

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
  /** Base URL of the V2 endpoint, or null. */
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
    models: plan.models.map((model) => modelStatus(model, live)),
  };
}

function modelStatus(model: ModelPlan, live: Live): ModelStatus {
  const progress = live.progress[model.name];
  return {
    name: model.name,
    stage: model.stage,
    reason: model.reason,
    version: model.live?.version ?? null,
    metrics: model.live?.record.metrics ?? null,
    endpoint: model.live === undefined ? null : (live.endpoints[model.name] ?? null),
    ...(progress === undefined ? {} : { progress }),
  };
}

const percent = (fraction: number | undefined) => (fraction === undefined ? "-" : `${(100 * fraction).toFixed(2)} %`);

/** A mail that a person would send on without a thought, for the example. */
export const EXAMPLE_TEXT = "Subject: You have won! Click here to claim your FREE prize, guaranteed cash, act now";

/** A shell line that classifies a mail. */
export function curlLine(model: string, endpoint: string): string {
  const body = JSON.stringify({ inputs: [{ name: "text", shape: [1], datatype: "BYTES", data: [EXAMPLE_TEXT] }] });
  return `curl -s ${endpoint}/v2/models/${model}/infer -H 'content-type: application/json' -d '${body}'`;
}

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
      lines.push(`    serves ${model.version}`, ...metricLines(model.metrics as TrainingRecord["metrics"]));
    }
    if (model.endpoint !== null) {
      lines.push(`    endpoint ${model.endpoint}`, `    try: ${curlLine(model.name, model.endpoint)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function metricLines(metrics: TrainingRecord["metrics"]): string[] {
  const row = (name: string, accuracy: number | undefined, f1: number | undefined) =>
    `    ${name.padEnd(18)} accuracy ${percent(accuracy)}, F1 ${percent(f1)}`;
  return [
    row("on the test split:", metrics.testAccuracy, metrics.testF1),
    row("bag of words:", metrics.bagOfWordsAccuracy, metrics.bagOfWordsF1),
    row("majority class:", metrics.majorityAccuracy, metrics.majorityF1),
  ];
}
