import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { decide } from "../../components/lifecycle/gate.ts";
import type { CompressionRecord, GateDecision, TrainingRecord } from "../../components/lifecycle/types.ts";
import type { ModelSpec } from "../../stacks/schema.ts";
import { sourceFolder } from "../../stacks/sources.ts";
import { loadStackFile, REPOSITORY_ROOT, stackArguments } from "../lib/command-line.ts";
import type { Report } from "../lib/report.ts";
import { type MeasuredCandidate, renderCandidates } from "./compression-table.ts";
import type { Part } from "./part.ts";
import { Trainer } from "./stage.ts";

const STACK = "local";
const MODEL = "mail-triage";

export const compression: Part = {
  name: "compression",
  measures: `every compression candidate of ${MODEL} in stack ${STACK} against what it is made from`,
  async run(_options, report) {
    const stack = await loadStackFile(stackArguments([STACK], undefined));
    const model = stack.models.find(({ name }) => name === MODEL);
    if (model === undefined) throw new Error(`stack ${STACK} has no model ${MODEL}`);
    const { candidates, decision } = await makeAll(model, report);
    const title = `${MODEL} of stack ${STACK}, trained with the stack's own values; times are CPU time of one thread:`;
    return {
      text: `${title}\n\n${renderCandidates(candidates, decision)}`,
      json: { model: MODEL, candidates: candidates.map(measured), decision },
    };
  },
};

function measured({ candidate, baseline, result }: CompressionRecord): MeasuredCandidate {
  return { candidate, baseline, result };
}

/** What a stage says of its run; the rest of a record is where it ran and lies. */
type ResultOf<Record> = Omit<Record, "kind" | "model" | "run" | "completedAt">;

interface Compressed {
  readonly candidates: readonly CompressionRecord[];
  /** What the gate makes of them, where nothing serves yet. */
  readonly decision: GateDecision;
}

/** Takes the model from its data to every candidate by the trainer's stages, in a temporary folder. */
async function makeAll(model: ModelSpec, report: Report): Promise<Compressed> {
  const root = mkdtempSync(path.join(tmpdir(), "millwright-bench-"));
  try {
    const trainer = await Trainer.in(root, report);
    const { source, format, split } = model.dataset;
    const dataset = await report.step("dataset", () =>
      trainer.run<{ labels: string[] }>({
        stage: "dataset",
        run: "dataset",
        spec: { format, split },
        ...(source.kind === "builtin" ? {} : { source: sourceFolder(source, REPOSITORY_ROOT) }),
      }),
    );
    const common = { task: model.task, labels: dataset.labels };
    const trained = await report.step("training", () =>
      trainer.run<ResultOf<TrainingRecord>>({
        stage: "training",
        run: "baseline",
        spec: { ...model.training, ...common },
        dataset: "dataset",
        workers: model.training.workers,
      }),
    );
    const record = <Result>(run: string, result: Result) => ({ ...result, model: model.name, run, completedAt: "" });
    const baseline: TrainingRecord = { ...record("baseline", trained), kind: "training" };
    const candidates: CompressionRecord[] = [];
    // One at a time: two would take each other's caches, which CPU time does not leave out.
    for (const candidate of model.compression?.candidates ?? []) {
      const made = await report.step(candidate.name, () =>
        trainer.run<ResultOf<CompressionRecord>>({
          stage: "compression",
          run: candidate.name,
          spec: {
            ...common,
            candidate,
            training: model.training,
            measurement: { seconds: model.compression?.measureSeconds },
          },
          dataset: "dataset",
          env: { MILLWRIGHT_BASELINE: trainer.folderOf("baseline") },
        }),
      );
      candidates.push({ ...record(candidate.name, made), kind: "compression" });
    }
    const decision = decide({
      baseline,
      outcomes: candidates.map((each) => ({ candidate: each.candidate, version: each.run, record: each })),
      maxAccuracyDrop: model.serving.maxAccuracyDrop,
      objective: model.compression?.objective ?? "latency",
    });
    return { candidates, decision };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
