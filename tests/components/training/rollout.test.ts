import assert from "node:assert/strict";
import { startupSecondsOf } from "../../../components/catalog/engines.ts";
import { RolloutJob } from "../../../components/training/component.ts";
import { renderRollout } from "../../../components/training/rollout.ts";
import { validateRun, validateUrls } from "../../../components/training/validate.ts";
import { EXAMPLES } from "../catalog/engines.ts";
import { countByType, declare, refusal } from "../engine.ts";
import { DATASET_RECORD, ROLLOUT_RUN, VERSION } from "../fixtures.ts";
import { CONTEXT, ROLLOUT_STEP_RUN } from "./fixtures.ts";
import {
  artifactMounts,
  commonEnvironment,
  endOf,
  environmentOf,
  POD_FAILURES,
  specOf,
  workloadOf,
} from "./rendered.ts";

const urls = {
  candidate: "http://candidate.models.svc:8080",
  stable: "http://stable.models.svc:8080",
  routerMetrics: "http://metrics.models.svc:8404/metrics",
};
const { stable: _, ...firstUrls } = urls;
const args = { ...CONTEXT, run: ROLLOUT_STEP_RUN, urls };
const second = renderRollout(args);
const first = renderRollout({ ...CONTEXT, run: ROLLOUT_RUN, urls: firstUrls });

describe("rollout run", () => {
  it("tells the judge where both versions and the router's counters are", () => {
    assert.deepEqual(environmentOf(workloadOf(second)), {
      ...commonEnvironment("rollout", ROLLOUT_STEP_RUN.name, 1),
      MILLWRIGHT_INPUT: "/millwright/input",
      MILLWRIGHT_CANDIDATE_URL: urls.candidate,
      MILLWRIGHT_STABLE_URL: urls.stable,
      MILLWRIGHT_ROUTER_METRICS: urls.routerMetrics,
      MILLWRIGHT_READY_SECONDS: "300",
    });
  });

  for (const [kind, expected] of [
    ["mlserver", {}],
    ["triton", {}],
    [
      "tensorflow-serving",
      {
        MILLWRIGHT_PROTOCOL: "tensorflow",
        MILLWRIGHT_READY_PATH: "/v1/models/mail-triage",
        MILLWRIGHT_SERVED_NAME: "mail-triage",
      },
    ],
    ["vllm", { MILLWRIGHT_PROTOCOL: "openai", MILLWRIGHT_READY_PATH: "/health", MILLWRIGHT_SERVED_NAME: "org/triage" }],
    ["custom", {}],
  ] as const) {
    it(`tells the judge what ${kind} is asked in, and gives it the time to start`, () => {
      const engine = EXAMPLES[kind];
      const { model } = ROLLOUT_STEP_RUN;
      const run = { ...ROLLOUT_STEP_RUN, model: { ...model, serving: { ...model.serving, engine } } };
      const environment = environmentOf(workloadOf(renderRollout({ ...args, run })));
      const told = Object.entries(environment).filter(([name]) => /PROTOCOL|READY_PATH|SERVED_NAME/.test(name));
      assert.deepEqual(Object.fromEntries(told), expected);
      assert.equal(environment["MILLWRIGHT_READY_SECONDS"], String(startupSecondsOf({ engine }) + 120));
    });
  }

  it("has for a model's first version nothing to compare with", () => {
    assert.ok(!("MILLWRIGHT_STABLE_URL" in environmentOf(workloadOf(first))));
    assert.deepEqual(
      [specOf(first)].map((spec) => {
        const { stable, step, steps, weight } = spec as Record<string, unknown>;
        return { stable, step, steps, weight };
      }),
      [{ stable: null, step: 0, steps: 1, weight: 100 }],
    );
  });

  it("gets the step and the limits as a file", () => {
    assert.deepEqual(specOf(second), {
      candidate: "mail-triage-training-fedcba9876",
      stable: VERSION.version,
      step: 1,
      steps: 2,
      weight: 50,
      canary: {
        stepSeconds: 20,
        minRequests: 50,
        maxErrorRate: 0.01,
        maxLatencyIncrease: 0.5,
        minLatencyIncreaseMs: 20,
        maxAccuracyDrop: 0.02,
        minAgreement: 0.9,
      },
      task: "text-classification",
      labels: ["spam", "wanted"],
      triggered: false,
    });
  });

  it("reads the dataset, writes a folder of its own, and has nothing to go on from", () => {
    assert.deepEqual(artifactMounts(second), [
      { name: "artifacts", subPath: DATASET_RECORD.artifact.path, mountPath: "/millwright/input", readOnly: true },
      { name: "artifacts", subPath: `rollouts/${ROLLOUT_STEP_RUN.name}`, mountPath: "/millwright/output" },
    ]);
  });

  it("has time to watch the step again after each restart", () => {
    assert.deepEqual(endOf(second), {
      completionMode: "Indexed",
      completions: 1,
      parallelism: 1,
      backoffLimitPerIndex: 3,
      maxFailedIndexes: 0,
      activeDeadlineSeconds: 4 * (20 + (180 + 120) + 600),
      ...POD_FAILURES,
    });
  });

  it("is a spec and a Job", async () => {
    const { registrations } = await declare(() => new RolloutJob(ROLLOUT_STEP_RUN.name, args));
    assert.deepEqual(countByType(registrations), {
      "millwright:training:RolloutJob": 1,
      "kubernetes:core/v1:ConfigMap": 1,
      "kubernetes:batch/v1:Job": 1,
    });
  });

  for (const step of [-1, 2, 0.5]) {
    it(`refuses step ${step} of two`, () => {
      const problems = validateRun({ ...ROLLOUT_STEP_RUN, step });
      assert.deepEqual(
        problems.map(({ path, value }) => [path, value]),
        [["run.step", step]],
      );
    });
  }

  it("refuses addresses that do not fit its versions", async () => {
    assert.deepEqual(validateUrls(ROLLOUT_STEP_RUN, urls), []);
    assert.deepEqual(validateUrls(ROLLOUT_RUN, firstUrls), []);
    assert.match(validateUrls(ROLLOUT_RUN, urls)[0]!.message, /must be left out/);
    const error = await refusal(() => new RolloutJob("x", { ...args, urls: firstUrls }));
    assert.match(error.message, /urls\.stable: must be given: the run compares with the stable version mail-triage-/);
  });
});
