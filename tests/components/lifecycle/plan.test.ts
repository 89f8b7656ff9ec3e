import assert from "node:assert/strict";
import fc from "fast-check";
import { plan } from "../../../components/lifecycle/plan.ts";
import { datasetRun, rolloutRun, searchRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type {
  CompressionRun,
  ModelPlan,
  Observations,
  Plan,
  Run,
  RunRecord,
  RunStatus,
  ServedVersion,
  TrainingRecord,
  TriggerRecord,
} from "../../../components/lifecycle/types.ts";
import type { Stack } from "../../../stacks/schema.ts";
import {
  compressionRecordOf,
  datasetRecordOf,
  modelOf,
  recordFor,
  rolloutRecordOf,
  stackOf,
  stackWith,
  statusOf,
  trainingRecordFor,
  trainingRecordOf,
} from "./fixtures.ts";

const NAME = "mail-triage";
const stack = stackOf(NAME);
const model = modelOf(stack, NAME);
const data = datasetRecordOf(stack, NAME);
const trained = trainingRecordOf(stack, NAME);
const dataRun = datasetRun(model, stack.content);
const trainRun = trainingRun(model, data, stack.content);
const version: ServedVersion = { version: trained.run, model, record: trained, training: trained };

/** A version that was trained from something else, and the record that promoted it. */
function earlier(
  hash: string,
  completedAt: string,
): [ServedVersion, TrainingRecord, ReturnType<typeof rolloutRecordOf>] {
  const record = trainingRecordOf(stack, NAME, { run: `${NAME}-training-${hash}`, completedAt });
  const served = { version: record.run, model, record, training: record };
  const promotion = rolloutRecordOf(rolloutRun(trainRun, served, undefined, 0), "promote", { completedAt });
  return [served, record, promotion];
}
const [older, olderTrained, olderPromoted] = earlier("0000000001", "2025-01-01T00:00:00Z");
const [newer, newerTrained, newerPromoted] = earlier("0000000002", "2025-01-01T00:00:00.5Z");
const incumbent = { version: older, promotion: olderPromoted };
const firstStep = rolloutRun(trainRun, version, incumbent, 0);
const secondStep = rolloutRun(trainRun, version, incumbent, 1);
const onlyStep = rolloutRun(trainRun, version, undefined, 0);
const foreign = trainingRecordOf(stackOf("other"), "other", { completedAt: "2030-01-01T00:00:00Z" });

interface Row {
  readonly title: string;
  readonly records?: RunRecord[];
  readonly runs?: RunStatus[];
  readonly stage: ModelPlan["stage"];
  readonly run?: string;
  readonly stable?: string;
  readonly canary?: [version: string, weight: number];
  readonly says: RegExp;
}

const ROWS: Row[] = [
  { title: "nothing has happened", stage: "dataset", run: dataRun.name, says: /starts/ },
  {
    title: "the dataset run waits",
    runs: [statusOf(dataRun, "pending", "pod x Unschedulable: Insufficient memory")],
    stage: "dataset",
    run: dataRun.name,
    says: /waits for its pods: pod x Unschedulable: Insufficient memory/,
  },
  {
    title: "the dataset run runs",
    runs: [statusOf(dataRun, "running")],
    stage: "dataset",
    run: dataRun.name,
    says: /is running/,
  },
  {
    title: "the dataset run failed",
    runs: [statusOf(dataRun, "failed", "DeadlineExceeded: Job was active longer than specified deadline")],
    stage: "failed",
    run: dataRun.name,
    says: /failed: DeadlineExceeded.*kubectl logs job\/.*npm run up -- local --retry mail-triage/,
  },
  {
    title: "the dataset run failed silently",
    runs: [statusOf(dataRun, "failed")],
    stage: "failed",
    run: dataRun.name,
    says: /without saying why/,
  },
  { title: "the dataset is recorded", records: [data], stage: "training", run: trainRun.name, says: /Trains.*starts/ },
  {
    title: "the dataset is recorded though its Job failed",
    records: [data],
    runs: [statusOf(dataRun, "failed")],
    stage: "training",
    run: trainRun.name,
    says: /Trains/,
  },
  {
    title: "training runs",
    records: [data],
    runs: [statusOf(trainRun, "running")],
    stage: "training",
    run: trainRun.name,
    says: /is running/,
  },
  {
    title: "training failed with nothing trained before",
    records: [data],
    runs: [statusOf(trainRun, "failed", "PodFailurePolicy")],
    stage: "failed",
    run: trainRun.name,
    says: /failed: PodFailurePolicy/,
  },
  {
    title: "training failed with a version serving",
    records: [data, olderTrained, olderPromoted],
    runs: [statusOf(trainRun, "failed", "BackoffLimitExceeded")],
    stage: "failed",
    run: trainRun.name,
    stable: older.version,
    says: /failed: BackoffLimitExceeded.* Version mail-triage-training-0000000001 keeps serving\./,
  },
  {
    title: "a training run's record was removed",
    records: [data],
    runs: [statusOf(trainRun, "complete")],
    stage: "failed",
    run: trainRun.name,
    says: /record is gone.*--retry mail-triage/,
  },
  {
    title: "the first version is trained: nothing serves that it could harm",
    records: [data, trained],
    stage: "canary",
    run: onlyStep.name,
    canary: [trained.run, 100],
    says: /Tries the new version .* on 100 % of the requests/,
  },
  {
    title: "the first version is found good",
    records: [data, trained, rolloutRecordOf(onlyStep)],
    stage: "stable",
    stable: trained.run,
    says: /test accuracy of 0\.980/,
  },
  {
    title: "the first version is found bad",
    records: [data, trained, rolloutRecordOf(onlyStep, "rollback")],
    stage: "rolledBack",
    says: /was rolled back: agreement 3\.00 %/,
  },
  {
    title: "a new version takes its first step",
    records: [data, trained, olderTrained, olderPromoted],
    stage: "canary",
    run: firstStep.name,
    stable: older.version,
    canary: [trained.run, 20],
    says: /on 20 % of the requests.*0000000001 keeps serving/,
  },
  {
    title: "a new version takes its second step",
    records: [data, trained, olderTrained, olderPromoted, rolloutRecordOf(firstStep)],
    stage: "canary",
    run: secondStep.name,
    stable: older.version,
    canary: [trained.run, 50],
    says: /on 50 % of the requests/,
  },
  {
    title: "a new version is promoted",
    records: [data, trained, olderTrained, olderPromoted, rolloutRecordOf(firstStep), rolloutRecordOf(secondStep)],
    stage: "stable",
    stable: trained.run,
    says: /serves/,
  },
  {
    title: "a new version is rolled back in its second step",
    records: [
      data,
      trained,
      olderTrained,
      olderPromoted,
      rolloutRecordOf(firstStep),
      rolloutRecordOf(secondStep, "rollback"),
    ],
    stage: "rolledBack",
    stable: older.version,
    says: /was rolled back.*0000000001 keeps serving/,
  },
  {
    title: "the judge failed: the version on trial is withdrawn",
    records: [data, trained, olderTrained, olderPromoted],
    runs: [statusOf(firstStep, "failed", "DeadlineExceeded")],
    stage: "failed",
    run: firstStep.name,
    stable: older.version,
    says: /failed: DeadlineExceeded.*--retry mail-triage/,
  },
  {
    title: "the data changed since two versions served",
    records: [olderTrained, newerTrained, olderPromoted, newerPromoted],
    stage: "dataset",
    run: dataRun.name,
    stable: newer.version,
    says: /keeps serving/,
  },
  {
    title: "the records of what was promoted last are gone: the one before serves",
    records: [olderTrained, olderPromoted, newerPromoted],
    stage: "dataset",
    run: dataRun.name,
    stable: older.version,
    says: /keeps serving/,
  },
  {
    title: "the new version is much worse than what serves on the same data",
    records: [data, { ...trained, metrics: { ...trained.metrics, testAccuracy: 0.9 } }, olderTrained, olderPromoted],
    stage: "rejected",
    stable: older.version,
    says: /test accuracy 90\.00 % is 8\.16 % below that of mail-triage-training-0000000001/,
  },
  {
    title: "the new version is worse, but on other data",
    records: [
      data,
      { ...trained, metrics: { ...trained.metrics, testAccuracy: 0.9 } },
      { ...olderTrained, dataset: "mail-triage-dataset-0000000009" },
      olderPromoted,
    ],
    stage: "canary",
    run: firstStep.name,
    stable: older.version,
    canary: [trained.run, 20],
    says: /Tries the new version/,
  },
  { title: "only another model was trained", records: [foreign], stage: "dataset", run: dataRun.name, says: /starts/ },
  {
    title: "an old run failed",
    runs: [statusOf({ kind: "dataset", name: "mail-triage-dataset-0000000000" }, "failed")],
    stage: "dataset",
    run: dataRun.name,
    says: /starts/,
  },
];

describe("plan", () => {
  for (const { title, records = [], runs = [], stage, run, stable, canary, says } of ROWS) {
    it(`${title}: ${stage}`, () => {
      const { models, settled } = plan(stack, { records, runs });
      const [model] = models;
      assert.ok(model !== undefined && models.length === 1);
      assert.equal(model.stage, stage, model.reason);
      assert.deepEqual(
        model.runs.map(({ name }) => name),
        run === undefined ? [] : [run],
      );
      assert.equal(model.stable?.version, stable);
      assert.deepEqual(model.canary && [model.canary.version.version, model.canary.weight], canary);
      assert.match(model.reason, says);
      assert.match(model.reason, /^[A-Z].*\.$/);
      assert.equal(settled, ["stable", "rejected", "rolledBack", "failed"].includes(stage));
    });
  }

  it("gives training the record of the dataset it reads", () => {
    const [model] = plan(stack, { records: [data], runs: [] }).models;
    assert.deepEqual(model?.runs, [trainRun]);
  });

  it("leaves out a model that the stack no longer has, whatever was recorded of it", () => {
    const records = [data, trained, rolloutRecordOf(onlyStep)];
    const { models } = plan(stackOf("other"), { records, runs: [] });
    assert.deepEqual(
      models.map(({ name }) => name),
      ["other"],
    );
    assert.equal(models[0]?.stable, undefined);
  });

  it("keeps the previous version while a changed spec trains, and judges it anew when the spec comes back", () => {
    const changed = epochs(stack, 9);
    const first = live(stack, { records: [], runs: [] });
    const [training] = plan(changed, first).models;
    assert.equal(training?.stage, "training");
    assert.notEqual(training?.runs[0]?.name, trainRun.name);
    assert.equal(training?.stable?.version, trained.run);
    const second = live(changed, first);
    const [back] = plan(stack, second).models;
    assert.equal(back?.stage, "canary");
    assert.equal(back?.canary?.version.version, trained.run);
    assert.notEqual(back?.stable?.version, trained.run);
    assert.equal(plan(stack, live(stack, second)).models[0]?.stable?.version, trained.run);
  });

  it("trains with what the search found, and searches before it trains", () => {
    const search = { trials: 12, space: [{ kind: "float", name: "learningRate", low: 0.001, high: 0.1, log: true }] };
    const searched = stackWith({ search }, NAME);
    const [searching] = plan(searched, { records: [data], runs: [] }).models;
    assert.equal(searching?.stage, "search");
    const run = searching?.runs[0];
    assert.ok(run?.kind === "search" && run.search.trials === 12);
    const [training] = plan(searched, { records: [data, recordFor(searched, run)], runs: [] }).models;
    assert.equal(training?.stage, "training");
    assert.ok(training?.runs[0]?.kind === "training");
    assert.equal(training.runs[0].training.learningRate, 0.005);
    assert.equal(training.runs[0].model.training.learningRate, 0.001);
  });

  it("goes on with the study when a search only gets more trials, and starts another when its space changes", () => {
    const study = (trials: number, low: number) => {
      const search = { trials, space: [{ kind: "float", name: "learningRate", low, high: 0.1 }] };
      const model = modelOf(stackWith({ search }, NAME), NAME);
      assert.ok(model.search);
      return searchRun(model, model.search, data, stack.content);
    };
    assert.equal(study(12, 0.001).study, study(24, 0.001).study);
    assert.notEqual(study(12, 0.001).name, study(24, 0.001).name);
    assert.notEqual(study(12, 0.001).study, study(12, 0.002).study);
  });

  it("goes round again once when something triggers it, and not again by the same", () => {
    const first = live(stack, { records: [], runs: [] });
    const triggered = { ...first, records: [...first.records, triggerOf(version)] };
    const [again] = plan(stack, triggered).models;
    assert.equal(again?.stage, "dataset");
    assert.match(again?.reason ?? "", /anew for drift.*keeps serving/);
    assert.equal(again?.stable?.version, trained.run);
    const [second] = plan(stack, live(stack, triggered)).models;
    assert.equal(second?.stage, "stable");
    assert.notEqual(second?.stable?.version, trained.run);
  });

  it("is settled only when every model is", () => {
    const two = stackOf("a", "b");
    const records = live(stackOf("a"), { records: [], runs: [] }).records;
    assert.deepEqual(
      plan(two, { records, runs: [] }).models.map(({ stage }) => stage),
      ["stable", "dataset"],
    );
    assert.equal(plan(two, { records, runs: [] }).settled, false);
  });
});

const TUNED = { epochs: 2, network: { kind: "text-cnn" }, start: { kind: "version" } };

describe("plan of a model that is trained from the version before", () => {
  const tuned = stackWith({ training: TUNED }, NAME);
  const pinned = (run: string) => stackWith({ training: { ...TUNED, start: { kind: "version", run } } }, NAME);
  const only = (of: Stack, seen: Observations) => {
    const [model] = plan(of, seen).models;
    assert.ok(model);
    return model;
  };
  const training = ({ runs }: ModelPlan) => {
    const [run] = runs;
    assert.ok(run?.kind === "training");
    return run;
  };
  const first: Observations = { records: [data, trained, rolloutRecordOf(onlyStep)], runs: [] };

  it("trains the first from scratch, as the same run that one always from scratch has", () => {
    assert.deepEqual(training(only(tuned, { records: [data], runs: [] })).base, undefined);
    assert.equal(training(only(tuned, { records: [data], runs: [] })).name, trainRun.name);
    assert.equal(only(tuned, first).stable?.version, trainRun.name);
  });

  it("stays where it is once the first serves, though there is something to start from now", () => {
    assert.equal(only(tuned, first).stage, "stable");
    assert.deepEqual(only(tuned, first).runs, []);
  });

  it("trains other parameters, and other data, from what serves then", () => {
    for (const seen of [first, { ...first, records: [...first.records, triggerOf(version)] }]) {
      const of = seen === first ? epochs(tuned, 9) : tuned;
      const trained = seen === first ? seen : { ...seen, records: [...seen.records, datasetAnew(of, seen)] };
      const model = only(of, trained);
      assert.deepEqual(training(model).base, { run: trainRun.name, sha256: "a".repeat(64) });
      assert.match(model.reason, new RegExp(`Trains from ${trainRun.name}: .*keeps serving`));
      const again = live(of, trained);
      assert.equal(only(of, again).stable?.version, training(model).name);
      assert.equal(only(of, again).stage, "stable");
    }
  });

  it("starts from the training whose compressed candidate serves", () => {
    const small = stackWith({ training: TUNED, compression: { candidates: CANDIDATES } }, NAME);
    const seen = live(small, { records: [data], runs: [] });
    const serves = only(small, seen).stable;
    assert.equal(serves?.record.kind, "compression");
    assert.equal(training(only(epochs(small, 9), seen)).base?.run, serves?.training.run);
  });

  it("starts a chain: each from the one before, and goes back to none that was done", () => {
    let seen = first;
    const bases = [9, 10, 11].map((count) => {
      const base = training(only(epochs(tuned, count), seen)).base?.run;
      seen = live(epochs(tuned, count), seen);
      return base;
    });
    const names = seen.records.flatMap(({ kind, run }) => (kind === "training" ? [run] : []));
    assert.deepEqual(bases, names.slice(0, 3));
    const back = only(epochs(tuned, 10), seen);
    assert.equal(back.stage, "canary");
    assert.equal(back.canary?.version.version, names[2]);
  });

  it("knows a training it did after the records of what that started from are gone", () => {
    const of = epochs(tuned, 9);
    const seen = live(of, first);
    const kept = { ...seen, records: seen.records.filter(({ run }) => run !== trainRun.name) };
    assert.equal(only(of, kept).stage, "stable");
    assert.equal(only(of, kept).stable?.version, only(of, seen).stable?.version);
  });

  it("goes by the first of two that were done of the same", () => {
    const of = epochs(tuned, 9);
    const seen = live(of, first);
    const late = trainingRecordFor(of, trainingRun(modelOf(of, NAME), data, of.content));
    const both = { ...seen, records: [...seen.records, dated(late, seen)] };
    assert.equal(only(of, both).stage, "stable");
    assert.deepEqual(only(of, { ...both, records: [...both.records].reverse() }), only(of, both));
  });

  it("starts from the run that is named, whatever serves, and says where there is none", () => {
    const of = epochs(pinned(older.version), 9);
    const seen = { ...first, records: [...first.records, olderTrained] };
    assert.equal(training(only(of, seen)).base?.run, older.version);
    assert.equal(only(of, live(of, seen)).stage, "stable");
    const missing = only(of, first);
    assert.equal(missing.stage, "failed");
    assert.match(missing.reason, /starts from run mail-triage-training-0000000001, of which there is no record/);
    assert.equal(missing.stable?.version, trainRun.name);
    // A training of the same from something else is not what was asked for.
    const other = live(epochs(tuned, 9), first);
    assert.equal(training(only(of, { ...other, records: [...other.records, olderTrained] })).base?.run, older.version);
  });

  function datasetAnew(of: Stack, seen: Observations): RunRecord {
    const [run] = only(of, seen).runs;
    assert.ok(run?.kind === "dataset");
    return dated(recordFor(of, run), seen);
  }
});

/** What the watcher writes where what a version is asked has drifted. */
function triggerOf({ version, model }: Pick<ServedVersion, "version" | "model">): TriggerRecord {
  return {
    kind: "trigger",
    model: model.name,
    run: `${model.name}-trigger-${version.slice(-10)}`,
    completedAt: "2028-01-01T00:00:00Z",
    seconds: 0,
    artifact: trained.artifact,
    reason: "drift",
    version,
  };
}

/** The stack with other epochs: another training of the same data. */
function epochs(of: Stack, epochs: number): Stack {
  return { ...of, models: of.models.map((model) => ({ ...model, training: { ...model.training, epochs } })) };
}

/** What is seen once every run of a stack has gone well and everything serves; time goes on from record to record. */
function live(of: Stack, observed: Observations): Observations {
  let seen = observed;
  for (let now = plan(of, seen); !now.settled; now = plan(of, seen)) {
    assert.ok(seen.records.length < 200, "it goes round for ever");
    const records = now.models.flatMap(({ runs }) => runs.map((run) => dated(recordFor(of, run), seen)));
    seen = { ...seen, records: [...seen.records, ...records] };
  }
  return seen;
}

function dated<T extends RunRecord>(record: T, { records }: Observations): T {
  return { ...record, completedAt: new Date(Date.UTC(2029, 0, 1, 0, 0, records.length)).toISOString() };
}

const CANDIDATES = [
  { name: "int8", steps: [{ kind: "quantize" }] },
  { name: "pruned", steps: [{ kind: "prune", target: { kind: "sparsity", sparsity: 0.5 } }] },
];

describe("plan of a model that is compressed", () => {
  const compressed = stackWith({ compression: { candidates: CANDIDATES } }, NAME);
  const known = [data, trained];
  const candidates = plan(compressed, { records: known, runs: [] }).models[0]?.runs as CompressionRun[];
  const [int8, pruned] = candidates as [CompressionRun, CompressionRun];
  const planned = (records: RunRecord[], runs: RunStatus[] = []) => {
    const [only] = plan(compressed, { records: [...known, ...records], runs }).models;
    assert.ok(only);
    return only;
  };

  it("tries all its candidates at the same time", () => {
    const model = planned([]);
    assert.equal(model.stage, "compression");
    assert.deepEqual(
      candidates.map(({ candidate }) => candidate.name),
      ["int8", "pruned"],
    );
    assert.match(model.reason, /Compresses as int8.*1 more/);
    assert.deepEqual(
      planned([compressionRecordOf(int8)]).runs.map(({ name }) => name),
      [pruned.name],
    );
  });

  it("rolls out the best that is good enough", () => {
    const model = planned([compressionRecordOf(int8, { latencyP99Ms: 0.5 }), compressionRecordOf(pruned)]);
    assert.equal(model.stage, "canary");
    assert.equal(model.canary?.version.version, int8.name);
    assert.deepEqual(
      model.gate?.entries.map(({ candidate, rejected }) => [candidate, rejected]),
      [
        ["baseline", "2.00 ms p99; int8 has 0.50 ms p99"],
        ["int8", undefined],
        ["pruned", "1.00 ms p99; int8 has 0.50 ms p99"],
      ],
    );
  });

  it("rolls out the model as trained where every candidate loses too much", () => {
    const bad = { testAccuracy: 0.9 };
    const model = planned([compressionRecordOf(int8, bad), compressionRecordOf(pruned, bad)]);
    assert.equal(model.canary?.version.version, trained.run);
    assert.match(model.gate?.entries[1]?.rejected ?? "", /test accuracy 90\.00 % is 8\.16 % below .* baseline/);
  });

  it("goes on without a candidate whose run failed, and keeps that run for its logs", () => {
    const model = planned([compressionRecordOf(int8)], [statusOf(pruned, "failed", "OOMKilled")]);
    assert.equal(model.stage, "canary");
    assert.equal(model.canary?.version.version, int8.name);
    assert.ok(model.runs.some(({ name }) => name === pruned.name));
    assert.match(model.gate?.entries[2]?.rejected ?? "", /failed: OOMKilled/);
  });

  it("does not choose anew, and worse each time, because what it chose now serves", () => {
    const reached = live(compressed, { records: known, runs: [] });
    const first = plan(compressed, reached).models[0];
    assert.equal(first?.stage, "stable");
    assert.equal(first?.stable?.version, plan(compressed, { ...reached }).models[0]?.gate?.chosen);
  });
});

describe("plan, whatever was observed", () => {
  const names = ["a", "b", "a-dataset"];
  const search = { trials: 3, space: [{ kind: "float", name: "learningRate", low: 0.001, high: 0.1 }] };
  const rest = { search, compression: { candidates: CANDIDATES } };
  const scratch = stackWith(rest, ...names);
  const tuned = stackWith({ ...rest, training: TUNED }, "tuned");
  const stack: Stack = {
    ...scratch,
    models: [...scratch.models, ...tuned.models],
    content: { ...scratch.content, sources: { ...scratch.content.sources, ...tuned.content.sources } },
  };

  /** A world: runs end one after the other, well or badly, while the stack is edited and drift is seen now and then. */
  interface Event {
    readonly edit: number;
    readonly pick: number;
    readonly outcome: "well" | "badly" | "failed" | "pending" | "running" | "drift";
  }
  const event: fc.Arbitrary<Event> = fc.record({
    edit: fc.integer({ min: 1, max: 3 }),
    pick: fc.nat(1000),
    // A run that failed ends a history until the stack is edited: seldom, so that most come round several times.
    outcome: fc.oneof(
      { weight: 12, arbitrary: fc.constant("well") },
      { weight: 1, arbitrary: fc.constantFrom("badly", "failed") },
      { weight: 2, arbitrary: fc.constantFrom("pending", "running") },
      { weight: 3, arbitrary: fc.constant("drift") },
    ),
  });
  interface History {
    /** The stack before anybody edits it. */
    readonly from: Stack;
    readonly events: readonly Event[];
  }
  const history: fc.Arbitrary<History> = fc.record({
    // One with every stage, and one that comes round often enough to train from what it trained.
    from: fc.constantFrom(stack, stackWith({ training: TUNED }, "tuned")),
    events: fc.array(event, { maxLength: 60, size: "max" }),
  });

  /** What one more event leaves to be seen: a run that the plan declares goes on or ends. */
  function nextSeen(of: Stack, seen: Observations, { pick, outcome }: Event): Observations {
    if (outcome === "drift") {
      return driftSeen(of, seen, pick);
    }
    const runs = plan(of, seen).models.flatMap(({ runs }) => runs);
    const run = runs[pick % Math.max(1, runs.length)];
    if (run === undefined || seen.runs.some(({ run: name, state }) => name === run.name && state === "failed")) {
      return seen;
    }
    return outcome === "well" || outcome === "badly"
      ? { ...seen, records: [...seen.records, dated(outcome === "well" ? recordFor(of, run) : badRecord(run), seen)] }
      : { ...seen, runs: [...seen.runs, statusOf(run, outcome)] };
  }

  /** The watcher asks for a training of a version that serves, once. */
  function driftSeen(of: Stack, seen: Observations, pick: number): Observations {
    const live = plan(of, seen).models.flatMap(({ stable }) => (stable === undefined ? [] : [stable]));
    const version = live[pick % Math.max(1, live.length)];
    if (version === undefined) {
      return seen;
    }
    const trigger = dated(triggerOf(version), seen);
    return seen.records.some(({ run }) => run === trigger.run)
      ? seen
      : { ...seen, records: [...seen.records, trigger] };
  }

  function badRecord(run: Run): RunRecord {
    switch (run.kind) {
      case "rollout":
        return rolloutRecordOf(run, "rollback");
      case "compression":
        return compressionRecordOf(run, { testAccuracy: 0.5 });
      case "training":
        return trainingRecordFor(stack, run, 0.6);
      default:
        return recordFor(stack, run);
    }
  }

  /** Every moment of a history: the stack as it was then, and what had been seen. */
  function moments({ from, events }: History): { of: Stack; seen: Observations }[] {
    let of = from;
    let seen: Observations = { records: [], runs: [] };
    return events.map((each) => {
      of = each.pick % 7 === 0 ? epochs(from, each.edit) : of;
      seen = nextSeen(of, seen, each);
      return { of, seen };
    });
  }
  const last = (of: History) => moments(of).at(-1) ?? { of: of.from, seen: { records: [], runs: [] } };
  const byName = ({ models }: Plan) => new Map(models.map((model) => [model.name, model]));
  const shuffled = <T>(items: readonly T[]) =>
    fc.shuffledSubarray([...items, ...items], { minLength: items.length * 2, maxLength: items.length * 2 });

  it("is the same for every order and repetition", () => {
    const reordered = history
      .map(last)
      .chain(({ of, seen }) =>
        fc.record({ records: shuffled(seen.records), runs: shuffled(seen.runs) }).map((again) => ({ of, seen, again })),
      );
    fc.assert(fc.property(reordered, ({ of, seen, again }) => assert.deepEqual(plan(of, again), plan(of, seen))));
  });

  it("does not change what it was given", () => {
    fc.assert(
      fc.property(history.map(last), ({ of, seen }) => {
        const before = structuredClone(seen);
        plan(of, seen);
        assert.deepEqual(seen, before);
      }),
    );
  });

  it("never declares a run whose record exists", () => {
    fc.assert(
      fc.property(history, (whole) => {
        for (const { of, seen } of moments(whole)) {
          for (const { name } of plan(of, seen).models.flatMap(({ runs }) => runs)) {
            assert.ok(seen.records.every(({ run }) => run !== name));
          }
        }
      }),
    );
  });

  it("computes no run twice in a whole history", () => {
    fc.assert(
      fc.property(history.map(last), ({ seen }) => {
        assert.equal(new Set(seen.records.map(({ run }) => run)).size, seen.records.length);
      }),
    );
  });

  it("never takes away the version of a model, and replaces it only by one that was promoted", () => {
    fc.assert(
      fc.property(history, (whole) => {
        let before = new Map<string, ModelPlan>();
        for (const { of, seen } of moments(whole)) {
          const now = byName(plan(of, seen));
          for (const [name, { stable }] of before) {
            const next = now.get(name)?.stable;
            assert.ok(stable === undefined || next !== undefined);
            assert.ok(
              next === undefined ||
                next.version === stable?.version ||
                seen.records.some(
                  (each) => each.kind === "rollout" && each.verdict === "promote" && each.candidate === next.version,
                ),
            );
          }
          before = now;
        }
      }),
    );
  });

  it("is where it was once what it tried is promoted: what serves never trains another by that alone", () => {
    fc.assert(
      fc.property(history, (whole) => {
        for (const { of, seen } of moments(whole)) {
          for (const run of plan(of, seen).models.flatMap(({ runs }) => runs)) {
            if (run.kind === "rollout" && run.step === run.weights.length - 1) {
              const promoted = { ...seen, records: [...seen.records, dated(rolloutRecordOf(run, "promote"), seen)] };
              const now = byName(plan(of, promoted)).get(run.model.name);
              assert.equal(now?.stage, "stable", now?.reason);
              assert.equal(now?.stable?.version, run.candidate.version);
            }
          }
        }
      }),
    );
  });

  it("trains from what serves, and so from something other than itself, where that is wanted, and nowhere else", () => {
    let tuned = 0;
    fc.assert(
      fc.property(history, (whole) => {
        for (const { of, seen } of moments(whole)) {
          for (const { name, stable, runs } of plan(of, seen).models) {
            for (const run of runs) {
              if (run.kind === "training") {
                const base = name === "tuned" ? stable?.training.run : undefined;
                assert.equal(run.base?.run, base);
                assert.notEqual(run.base?.run, run.name);
                tuned += base === undefined ? 0 : 1;
              }
            }
          }
        }
      }),
    );
    // What chance leaves of some hundreds: enough to say that the property was not about nothing.
    assert.ok(tuned > 20, `only ${tuned} trainings started from another: the histories are too short`);
  });

  it("serves only what was recorded for that very model", () => {
    fc.assert(
      fc.property(history.map(last), ({ of, seen }) => {
        for (const { name, stable, canary } of plan(of, seen).models) {
          for (const served of [stable, canary?.version]) {
            assert.ok(served === undefined || (seen.records.includes(served.record) && served.record.model === name));
            assert.ok(served === undefined || served.version === served.record.run);
          }
          assert.ok(canary === undefined || canary.version.version !== stable?.version);
        }
      }),
    );
  });

  it("settles after each run has ended, and then stays", () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(event), (whole, more) => {
        let { of, seen } = last(whole);
        let steps = 0;
        for (const next of more) {
          const now = plan(of, seen);
          if (now.settled) {
            break;
          }
          assert.ok(steps < 400, "it does not settle");
          steps += 1;
          seen = nextSeen(of, seen, next);
        }
        assert.deepEqual(plan(of, seen), plan(of, structuredClone(seen)));
        assert.ok(plan(of, seen).settled);
        for (const { stage, runs, gate } of plan(of, seen).models) {
          const failed = (gate?.entries ?? []).filter(({ accuracy }) => accuracy === undefined).length;
          assert.equal(runs.length, stage === "failed" ? runs.length : failed);
        }
      }),
      { numRuns: 50 },
    );
  });
});
