// Proves the loop's decisions against a datacenter that is a script of observations. Does not prove that the engine or the
// cluster behave so: tests/integration does.
import assert from "node:assert/strict";
import type { ModelPlan, Observations, Plan, RunStatus } from "../../../components/lifecycle/types.ts";
import { NO_CHANGES } from "../../../scripts/converge/changes.ts";
import { converge, fingerprint, type LoopEdges, lostRuns, nextStep } from "../../../scripts/converge/loop.ts";

const NOTHING: Observations = { records: [], runs: [] };

function planOf(stage: ModelPlan["stage"], run?: string, stable?: string): Plan {
  const model = {
    name: "m",
    stage,
    reason: "",
    runs: run === undefined ? [] : [{ name: run }],
    ...(stable === undefined ? {} : { stable: { version: stable } }),
  } as unknown as ModelPlan;
  return { models: [model], settled: stage === "stable" || stage === "failed" } as unknown as Plan;
}

function canary(weight: number): Plan {
  const plan = planOf("canary", "r1", "v1");
  return {
    ...plan,
    models: plan.models.map((model) => ({ ...model, canary: { version: { version: "v2" }, weight } })),
  } as unknown as Plan;
}

function running(run: string, state: RunStatus["state"] = "running"): Observations {
  return { records: [], runs: [{ run, model: "m", kind: "dataset", state }] };
}

describe("nextStep", () => {
  const cases: { name: string; applied: Plan; now: Plan; seen: Observations; want: string }[] = [
    {
      name: "same and settled",
      applied: planOf("stable", undefined, "v1"),
      now: planOf("stable", undefined, "v1"),
      seen: NOTHING,
      want: "done",
    },
    {
      name: "a run in progress",
      applied: planOf("dataset", "d1"),
      now: planOf("dataset", "d1"),
      seen: running("d1"),
      want: "wait",
    },
    {
      name: "a record appeared",
      applied: planOf("dataset", "d1"),
      now: planOf("training", "t1"),
      seen: running("d1"),
      want: "up",
    },
    {
      name: "another live version",
      applied: planOf("stable", undefined, "v1"),
      now: planOf("stable", undefined, "v2"),
      seen: NOTHING,
      want: "up",
    },
    {
      name: "another weight of the version on trial",
      applied: canary(20),
      now: canary(50),
      seen: running("r1"),
      want: "up",
    },
    {
      name: "the run failed meanwhile",
      applied: planOf("dataset", "d1"),
      now: planOf("failed", "d1"),
      seen: running("d1", "failed"),
      want: "up",
    },
    {
      name: "failed and applied",
      applied: planOf("failed", "d1"),
      now: planOf("failed", "d1"),
      seen: running("d1", "failed"),
      want: "done",
    },
    {
      name: "its Job was deleted",
      applied: planOf("dataset", "d1"),
      now: planOf("dataset", "d1"),
      seen: NOTHING,
      want: "up",
    },
  ];
  for (const { name, applied, now, seen, want } of cases) {
    it(`${name}: ${want}`, () => assert.equal(nextStep(applied, now, seen), want));
  }

  it("calls a run lost only while neither Job nor record is there", () => {
    assert.deepEqual(lostRuns(planOf("dataset", "d1"), NOTHING), ["d1"]);
    assert.deepEqual(lostRuns(planOf("dataset", "d1"), running("d1")), []);
    assert.deepEqual(lostRuns(planOf("stable", undefined, "v1"), NOTHING), []);
  });
});

/** A datacenter in which each engine run and each second moves on by one line of `script`. */
function scripted(script: readonly { plan: Plan; observations: Observations }[]): LoopEdges & { ups: string[] } {
  let at = 0;
  const ups: string[] = [];
  const line = () => script[Math.min(at, script.length - 1)]!;
  return {
    ups,
    observe: async () => line().observations,
    plan: async () => line().plan,
    up: async (_round, plan) => {
      ups.push(fingerprint(plan));
      at += 1;
      return { ...NO_CHANGES, created: [`after ${plan.models[0]!.stage}`] };
    },
    waiting: () => {},
    sleep: async () => {
      at += 1;
    },
    interrupted: () => false,
  };
}

describe("converge", () => {
  it("runs once where nothing is to be done", async () => {
    const edges = scripted([{ plan: planOf("stable", undefined, "v1"), observations: NOTHING }]);
    const result = await converge(edges);
    assert.equal(result.rounds, 1);
    assert.equal(result.settled, true);
  });

  it("goes from data to serving, one engine run a stage", async () => {
    const edges = scripted([
      { plan: planOf("dataset", "d1"), observations: NOTHING },
      { plan: planOf("dataset", "d1"), observations: running("d1") },
      { plan: planOf("training", "t1"), observations: running("d1") },
      { plan: planOf("training", "t1"), observations: running("t1") },
      { plan: planOf("stable", undefined, "t1"), observations: running("t1") },
    ]);
    const result = await converge(edges);
    assert.equal(result.rounds, 3);
    assert.equal(result.plan.models[0]?.stage, "stable");
    assert.deepEqual(result.changes.created, ["after dataset", "after training", "after stable"]);
  });

  it("makes a deleted Job anew, but not for ever", async () => {
    const edges = scripted([{ plan: planOf("dataset", "d1"), observations: NOTHING }]);
    await assert.rejects(converge(edges), /Job of d1 is gone right after it was made/);
    assert.equal(edges.ups.length, 2);
  });

  it("runs once more where the engine left servers in another number than declared, and then rests", async () => {
    const edges = scripted([{ plan: planOf("stable", undefined, "v1"), observations: NOTHING }]);
    const unscaled = { ...NO_CHANGES, updated: ["Deployment models/v1"], deleted: ["ScaledObject models/v1"] };
    let rounds = 0;
    const up = async () => {
      rounds += 1;
      return rounds === 1 ? unscaled : NO_CHANGES;
    };
    const result = await converge({ ...edges, up });
    assert.equal(result.rounds, 2);
    assert.equal(result.settled, true);
    rounds = 0;
    const stopped = await converge({ ...edges, up, interrupted: () => true });
    assert.equal(stopped.rounds, 1);
    assert.equal(stopped.settled, false);
  });

  it("begins no further round once interrupted", async () => {
    const edges = scripted([
      { plan: planOf("dataset", "d1"), observations: NOTHING },
      { plan: planOf("training", "t1"), observations: running("d1") },
    ]);
    const result = await converge({ ...edges, interrupted: () => true });
    assert.equal(result.rounds, 1);
    assert.equal(result.settled, false);
  });

  it("does not call settled what was interrupted before it was applied", async () => {
    const edges = scripted([
      { plan: planOf("training", "t1"), observations: running("t1") },
      { plan: planOf("stable", undefined, "t1"), observations: running("t1") },
    ]);
    const result = await converge({ ...edges, interrupted: () => true });
    assert.equal(result.plan.settled, true);
    assert.equal(result.settled, false);
  });

  it("goes on when all is settled where it is to keep watching, until it is stopped", async () => {
    const edges = scripted([
      { plan: planOf("stable", undefined, "v1"), observations: NOTHING },
      { plan: planOf("stable", undefined, "v1"), observations: NOTHING },
      { plan: planOf("dataset", "d2", "v1"), observations: NOTHING },
      { plan: planOf("dataset", "d2", "v1"), observations: running("d2") },
      { plan: planOf("stable", undefined, "v2"), observations: NOTHING },
    ]);
    let looks = 0;
    const interrupted = () => {
      looks += 1;
      return looks > 60;
    };
    const result = await converge({ ...edges, interrupted, keepWatching: true });
    assert.equal(result.rounds, 3);
    assert.equal(result.plan.models[0]?.stable?.version, "v2");
    assert.equal(result.settled, true);
  });

  it("stops where the engine fails", async () => {
    const edges = scripted([{ plan: planOf("dataset", "d1"), observations: NOTHING }]);
    await assert.rejects(converge({ ...edges, up: () => Promise.reject(new Error("engine")) }), /engine/);
  });
});
