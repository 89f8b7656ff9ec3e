import type { CandidateSpec, ModelSpec, Stack } from "../../stacks/schema.ts";
import { accuracyOf, type CandidateOutcome, decide } from "./gate.ts";
import { newestTrigger, promotions, recordOf, servedVersion, statusOf, trainings } from "./history.ts";
import { baseOf, compressionRun, datasetRun, type Incumbent, rolloutRun, searchRun, trainingRun } from "./runs.ts";
import type {
  DatasetRecord,
  GateDecision,
  ModelPlan,
  Observations,
  Plan,
  Run,
  RunKind,
  RunStatus,
  SearchRecord,
  ServedVersion,
  TrainingBase,
  TrainingRecord,
  TrainingRun,
  TriggerRecord,
} from "./types.ts";

/**
 * Decides which stage every model is in and which resources should exist now. A pure function: no Pulumi, no clock, no
 * randomness. It promises that
 *
 * - the order of observations, and seeing one twice, changes nothing;
 * - a run whose record exists is never declared again;
 * - a model that has a version serving keeps one while new runs prepare, train, are tried or fail;
 * - a settled plan stays as it is until the stack or the observations change.
 */
export function plan(stack: Stack, observations: Observations): Plan {
  const models = stack.models.map((model) => new ModelPlanner(stack, model, observations).plan());
  return { stack, models, settled: models.every(({ stage }) => SETTLED.has(stage)) };
}

const SETTLED: ReadonlySet<ModelPlan["stage"]> = new Set(["stable", "rejected", "rolledBack", "failed"]);

/** One model on its way; the steps are in the order of the lifecycle, and each is taken where the one before is done. */
class ModelPlanner {
  readonly #stack: Stack;
  readonly #model: ModelSpec;
  readonly #observations: Observations;
  /** What serves: the version that was promoted last. */
  readonly #incumbent: Incumbent | undefined;
  /** What last asked for training beside the stack. */
  readonly #trigger: TriggerRecord | undefined;

  constructor(stack: Stack, model: ModelSpec, observations: Observations) {
    this.#stack = stack;
    this.#model = model;
    this.#observations = observations;
    this.#incumbent = promotions(model, observations.records)[0];
    this.#trigger = newestTrigger(model, observations.records);
  }

  plan(): ModelPlan {
    return this.#prepare();
  }

  #prepare(): ModelPlan {
    const run = datasetRun(this.#model, this.#stack.content, this.#trigger);
    const dataset = recordOf(run, this.#records);
    if (dataset === undefined) {
      return this.#inProgress("dataset", [run]);
    }
    const { search } = this.#model;
    if (search === undefined) {
      return this.#start(dataset);
    }
    const searching = searchRun(this.#model, search, dataset, this.#stack.content);
    const found = recordOf(searching, this.#records);
    return found === undefined ? this.#inProgress("search", [searching]) : this.#start(dataset, found);
  }

  /**
   * Where training starts from. A training that was done, from whatever, stays the model's training of this dataset and these
   * parameters: else a version that was promoted would be what the next one starts from, and that one the next, for ever. So
   * the base is what is stable while nothing of the kind is recorded. Of several that were done the first counts: one that
   * comes late displaces none that may serve already.
   */
  #start(dataset: DatasetRecord, found?: SearchRecord): ModelPlan {
    const from = (base?: TrainingBase) => trainingRun(this.#model, dataset, this.#stack.content, found, base);
    const { start } = this.#model.training;
    if (start.kind === "scratch") {
      return this.#train(from());
    }
    for (const { run, spec } of trainings(this.#model, this.#records)) {
      const same = from(spec?.base);
      if (same.name === run && (start.run === undefined || spec?.base?.run === start.run)) {
        return this.#train(same);
      }
    }
    if (start.run === undefined) {
      const stable = this.#incumbent?.version.training;
      return this.#train(from(stable && baseOf(stable)));
    }
    const chosen = recordOf({ kind: "training", name: start.run }, this.#records);
    return chosen === undefined
      ? this.#settled("failed", `It starts from run ${start.run}, of which there is no record; see training.start.run.`)
      : this.#train(from(baseOf(chosen)));
  }

  #train(run: TrainingRun): ModelPlan {
    const trained = recordOf(run, this.#records);
    return trained === undefined ? this.#inProgress("training", [run]) : this.#compress(run, trained);
  }

  /** Every candidate is its own run, so one that fails takes none of the others with it. */
  #compress(training: TrainingRun, baseline: TrainingRecord): ModelPlan {
    const candidates = this.#model.compression?.candidates ?? [];
    const tried = candidates.map((candidate) => this.#tryOut(training, baseline, candidate));
    const unfinished = tried.flatMap(({ run, outcome }) => (outcome === undefined ? [run] : []));
    // Failed runs stay declared, so that their logs stay.
    const failed = tried.flatMap(({ run, outcome }) => (outcome !== undefined && "failed" in outcome ? [run] : []));
    if (unfinished.length > 0) {
      return this.#inProgress("compression", unfinished, failed);
    }
    const outcomes = tried.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
    const reference = this.#versionOfAnotherTraining(baseline);
    const gate = decide({
      baseline,
      outcomes,
      ...(reference === undefined ? {} : { incumbent: reference }),
      maxAccuracyDrop: this.#model.serving.maxAccuracyDrop,
      objective: this.#model.compression?.objective ?? "latency",
    });
    const chosen = gate.chosen === undefined ? undefined : servedVersion(this.#model, gate.chosen, this.#records);
    const rollout = this.#rollOut(training, chosen, gate);
    return { ...rollout, runs: [...rollout.runs, ...failed], gate };
  }

  #tryOut(training: TrainingRun, baseline: TrainingRecord, candidate: CandidateSpec) {
    const run = compressionRun(training, baseline, candidate, this.#stack.content);
    const record = recordOf(run, this.#records);
    const status = statusOf(run, this.#observations.runs);
    const base = { candidate: candidate.name, version: run.name };
    const outcome: CandidateOutcome | undefined =
      record !== undefined
        ? { ...base, record }
        : hasFailed(status)
          ? { ...base, failed: reasonFor(run, status, this.#stack.name) }
          : undefined;
    return { run, outcome };
  }

  #rollOut(training: TrainingRun, chosen: ServedVersion | undefined, gate: GateDecision): ModelPlan {
    if (chosen === undefined) {
      const reasons = gate.entries.map(({ candidate, rejected }) => `${candidate}: ${rejected}`).join("; ");
      return this.#settled("rejected", `Nothing new passed the gate (${reasons}).`);
    }
    if (chosen.version === this.#incumbent?.version.version) {
      const accuracy = accuracyOf(chosen).toFixed(3);
      return this.#settled("stable", `Version ${chosen.version} serves, with a test accuracy of ${accuracy}.`, false);
    }
    for (let step = 0; ; step += 1) {
      const run = rolloutRun(training, chosen, this.#incumbent, step, this.#trigger !== undefined);
      const weight = run.weights[step];
      if (weight === undefined) {
        // Only a judge that never says "promote" leads here.
        const reason = `The rollout of ${chosen.version} ended without a promotion; its last record is that of a judge of another version.`;
        return this.#settled("failed", reason);
      }
      const record = recordOf(run, this.#records);
      if (record === undefined) {
        const status = statusOf(run, this.#observations.runs);
        const tried = this.#inProgress("canary", [run]);
        return hasFailed(status) ? tried : { ...tried, canary: { version: chosen, weight } };
      }
      if (record.verdict === "rollback") {
        return this.#settled("rolledBack", `Version ${chosen.version} was rolled back: ${record.reasons.join("; ")}.`);
      }
    }
  }

  /** The newest version that served and does not come from this training. */
  #versionOfAnotherTraining(baseline: TrainingRecord): ServedVersion | undefined {
    return promotions(this.#model, this.#records).find(({ version }) => version.training.run !== baseline.run)?.version;
  }

  get #records() {
    return this.#observations.records;
  }

  #inProgress(stage: ModelPlan["stage"], waited: readonly Run[], failed: readonly Run[] = []): ModelPlan {
    const statuses = waited.map((run) => ({ run, status: statusOf(run, this.#observations.runs) }));
    const broken = statuses.find(({ status }) => hasFailed(status));
    const [first] = statuses;
    const shown = broken ?? first;
    const more = statuses.length > 1 ? ` ${statuses.length - 1} more of its candidates are not done.` : "";
    const reason = shown === undefined ? "" : reasonFor(shown.run, shown.status, this.#stack.name) + more;
    return { ...this.#settled(broken === undefined ? stage : "failed", reason), runs: [...waited, ...failed] };
  }

  #settled(stage: ModelPlan["stage"], reason: string, sayWhatServes = true): ModelPlan {
    const stable = this.#incumbent?.version;
    const serves = stable === undefined || !sayWhatServes ? "" : ` Version ${stable.version} keeps serving.`;
    return {
      name: this.#model.name,
      stage,
      reason: reason + serves,
      runs: [],
      ...(stable === undefined ? {} : { stable }),
    };
  }
}

/** A Job that is complete has been recorded; where the record is gone all the same, no Job will ever write it again. */
function hasFailed(status: RunStatus | undefined): boolean {
  return status?.state === "failed" || status?.state === "complete";
}

const DOING: Readonly<Record<RunKind, string>> = {
  dataset: "Prepares its data",
  search: "Searches its parameters",
  training: "Trains",
  compression: "Compresses",
  rollout: "Tries the new version",
};

function whatItDoes(run: Run): string {
  switch (run.kind) {
    case "compression":
      return `${DOING.compression} as ${run.candidate.name}`;
    case "rollout":
      return `${DOING.rollout} ${run.candidate.version} on ${run.weights[run.step]} % of the requests`;
    case "training":
      return run.base === undefined ? DOING.training : `${DOING.training} from ${run.base.run}`;
    case "dataset":
      return run.trigger === undefined ? DOING.dataset : `${DOING.dataset} anew for ${run.trigger.reason}`;
    default:
      return DOING[run.kind];
  }
}

function reasonFor(run: Run, status: RunStatus | undefined, stackName: string): string {
  const detail = status?.reason === undefined ? "" : `: ${status.reason}`;
  const retry = `then run npm run up -- ${stackName} --retry ${run.model.name}.`;
  switch (status?.state) {
    case undefined:
      return `${whatItDoes(run)}: run ${run.name} starts.`;
    case "pending":
      return `${whatItDoes(run)}: run ${run.name} waits for its pods${detail}.`;
    case "running":
      return `${whatItDoes(run)}: run ${run.name} is running${detail}.`;
    case "failed":
      return `Run ${run.name} failed${detail || " without saying why"}; see kubectl logs job/${run.name} -c workload, ${retry}`;
    case "complete":
      return `Run ${run.name} is complete but its record is gone; someone removed it: ${retry}`;
  }
}
