import assert from "node:assert/strict";
import fc from "fast-check";
import { plan } from "../../../components/lifecycle/plan.ts";
import { datasetRun, trainingRun } from "../../../components/lifecycle/runs.ts";
import type { ModelPlan, Observations, Plan, RunRecord, RunStatus } from "../../../components/lifecycle/types.ts";
import type { Stack } from "../../../stacks/schema.ts";
import { datasetRecordOf, modelOf, stackOf, statusOf, trainingRecordOf } from "./fixtures.ts";

const stack = stackOf("mail-triage");
const data = datasetRecordOf(stack, "mail-triage");
const trained = trainingRecordOf(stack, "mail-triage");
const dataRun = datasetRun(modelOf(stack, "mail-triage"), stack.content);
const trainRun = trainingRun(modelOf(stack, "mail-triage"), data, stack.content);

const older = trainingRecordOf(stack, "mail-triage", {
  run: "mail-triage-training-0000000001",
  completedAt: "2025-01-01T00:00:00Z",
});
const newer = trainingRecordOf(stack, "mail-triage", {
  run: "mail-triage-training-0000000002",
  completedAt: "2025-01-01T00:00:00.5Z",
});
const twin = trainingRecordOf(stack, "mail-triage", {
  run: "mail-triage-training-0000000003",
  completedAt: newer.completedAt,
});
const foreign = trainingRecordOf(stackOf("other"), "other", { completedAt: "2030-01-01T00:00:00Z" });

interface Row {
  readonly title: string;
  readonly records?: RunRecord[];
  readonly runs?: RunStatus[];
  readonly stage: ModelPlan["stage"];
  readonly run?: string;
  readonly live?: string;
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
    title: "training failed with a version trained before",
    records: [data, older],
    runs: [statusOf(trainRun, "failed", "BackoffLimitExceeded")],
    stage: "failed",
    run: trainRun.name,
    live: older.run,
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
    title: "the current spec is trained",
    records: [data, trained],
    stage: "stable",
    live: trained.run,
    says: /test accuracy of 0\.980/,
  },
  {
    title: "the current spec is trained, and another one later",
    records: [data, trained, { ...newer, completedAt: "2029-01-01T00:00:00Z" }],
    stage: "stable",
    live: trained.run,
    says: /trained/,
  },
  {
    title: "the data changed since two versions were trained",
    records: [older, newer],
    stage: "dataset",
    run: dataRun.name,
    live: newer.run,
    says: /keeps serving/,
  },
  {
    title: "two versions were finished in the same instant",
    records: [twin, newer, data],
    stage: "training",
    run: trainRun.name,
    live: twin.run,
    says: /keeps serving/,
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
  for (const { title, records = [], runs = [], stage, run, live, says } of ROWS) {
    it(`${title}: ${stage}`, () => {
      const { models, settled } = plan(stack, { records, runs });
      const [model] = models;
      assert.ok(model !== undefined && models.length === 1);
      assert.equal(model.stage, stage);
      assert.equal(model.run?.name, run);
      assert.equal(model.live?.version, live);
      assert.match(model.reason, says);
      assert.match(model.reason, /^[A-Z].*\.$/);
      assert.equal(settled, stage === "stable" || stage === "failed");
    });
  }

  it("gives training the record of the dataset it reads", () => {
    const [model] = plan(stack, { records: [data], runs: [] }).models;
    assert.deepEqual(model?.run, trainRun);
  });

  it("leaves out a model that the stack no longer has, whatever was recorded of it", () => {
    const { models } = plan(stackOf("other"), { records: [data, trained], runs: [] });
    assert.deepEqual(
      models.map(({ name }) => name),
      ["other"],
    );
    assert.equal(models[0]?.live, undefined);
  });

  it("keeps the previous version while a changed spec trains", () => {
    const changed: Stack = {
      ...stack,
      models: stack.models.map((model) => ({ ...model, training: { ...model.training, epochs: 9 } })),
    };
    const [model] = plan(changed, { records: [data, trained], runs: [] }).models;
    assert.equal(model?.stage, "training");
    assert.notEqual(model?.run?.name, trainRun.name);
    assert.equal(model?.live?.version, trained.run);
  });

  it("is settled only when every model is", () => {
    const two = stackOf("a", "b");
    const records = [datasetRecordOf(two, "a"), trainingRecordOf(two, "a")];
    assert.deepEqual(
      plan(two, { records, runs: [] }).models.map(({ stage }) => stage),
      ["stable", "dataset"],
    );
    assert.equal(plan(two, { records, runs: [] }).settled, false);
  });
});

describe("plan, whatever was observed", () => {
  const names = ["a", "b", "a-dataset"];
  const stack = stackOf(...names);
  const records: RunRecord[] = [...names, "gone"].flatMap((name) => {
    const of = name === "gone" ? stackOf("gone") : stack;
    const run = (hash: string) => `${name}-training-${hash}`;
    return [
      datasetRecordOf(of, name),
      datasetRecordOf(of, name, { run: `${name}-dataset-0000000000` }),
      trainingRecordOf(of, name),
      trainingRecordOf(of, name, { run: run("0000000001"), completedAt: "2025-01-01T00:00:00Z" }),
      trainingRecordOf(of, name, { run: run("0000000002"), completedAt: "2025-01-01T00:00:00Z" }),
      trainingRecordOf(of, name, { run: run("0000000003"), completedAt: "2030-01-01T00:00:00Z" }),
    ];
  });
  const statuses: RunStatus[] = names.flatMap((name) => {
    const dataset = datasetRecordOf(stack, name);
    const runs = [
      datasetRun(modelOf(stack, name), stack.content),
      trainingRun(modelOf(stack, name), dataset, stack.content),
    ];
    return runs.flatMap((run) => [
      statusOf(run, "pending"),
      statusOf(run, "running"),
      statusOf(run, "failed", "one reason"),
      statusOf(run, "failed", "another reason"),
      statusOf(run, "complete"),
    ]);
  });
  const observations = fc.record(
    { records: fc.subarray(records), runs: fc.subarray(statuses) },
    { noNullPrototype: true },
  );
  const shuffled = <T>(items: readonly T[]) =>
    fc.shuffledSubarray([...items, ...items], { minLength: items.length * 2, maxLength: items.length * 2 });
  const check = (predicate: (observed: Observations) => void) => fc.assert(fc.property(observations, predicate));
  const byName = ({ models }: Plan) => new Map(models.map((model) => [model.name, model]));

  it("is the same for every order and repetition", () => {
    const reordered = observations.chain((observed) =>
      fc
        .record({ records: shuffled(observed.records), runs: shuffled(observed.runs) })
        .map((again) => ({ observed, again })),
    );
    fc.assert(
      fc.property(reordered, ({ observed, again }) => assert.deepEqual(plan(stack, again), plan(stack, observed))),
    );
  });

  it("does not change what it was given", () => {
    check((observed) => {
      const before = structuredClone(observed);
      plan(stack, observed);
      assert.deepEqual(observed, before);
    });
  });

  it("never declares a run whose record exists", () => {
    check((observed) => {
      for (const { run } of plan(stack, observed).models) {
        assert.ok(run === undefined || observed.records.every((record) => record.run !== run.name));
      }
    });
  });

  it("never takes away the version of a model as records are added", () => {
    fc.assert(
      fc.property(observations, fc.subarray(records), (observed, more) => {
        const before = byName(plan(stack, observed));
        const after = byName(plan(stack, { ...observed, records: [...observed.records, ...more] }));
        for (const [name, { live }] of before) {
          assert.ok(live === undefined || after.get(name)?.live !== undefined);
        }
      }),
    );
  });

  it("serves only what was recorded for that very model", () => {
    check((observed) => {
      for (const { name, live } of plan(stack, observed).models) {
        assert.ok(live === undefined || (observed.records.includes(live.record) && live.record.model === name));
        assert.ok(live === undefined || live.version === live.record.run);
      }
    });
  });

  it("is settled exactly when no model prepares data or trains", () => {
    check((observed) => {
      const { models, settled } = plan(stack, observed);
      assert.equal(
        settled,
        models.every(({ stage }) => stage !== "dataset" && stage !== "training"),
      );
      assert.ok(models.every(({ stage, run }) => (stage === "stable") === (run === undefined)));
    });
  });

  it("settles after each run has ended, recorded or failed, and then stays", () => {
    fc.assert(
      fc.property(observations, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (observed, outcomes) => {
        let world: Observations = { ...observed, runs: [] };
        let step = 0;
        for (let current = plan(stack, world); !current.settled; current = plan(stack, world)) {
          assert.ok(step < 2 * names.length + 1, "it does not settle");
          world = current.models.reduce((seen, model) => ended(seen, model, outcomes[step] ?? true), world);
          step++;
        }
        assert.deepEqual(plan(stack, world), plan(stack, structuredClone(world)));
        assert.ok(plan(stack, world).settled);
      }),
    );
  });

  /** What is seen once a model's run, if it has one under way, has succeeded or failed. */
  function ended(seen: Observations, { name, stage, run }: ModelPlan, succeeds: boolean): Observations {
    if (run === undefined || stage === "failed") {
      return seen;
    }
    if (!succeeds) {
      return { ...seen, runs: [...seen.runs, statusOf(run, "failed")] };
    }
    const record =
      run.kind === "dataset" ? datasetRecordOf(stack, name) : trainingRecordOf(stack, name, { run: run.name });
    return { ...seen, records: [...seen.records, record] };
  }
});
