import assert from "node:assert/strict";
import { KEPT_QUEUE_LABELS } from "../../../components/compute/scheduling/queue.ts";
import { SearchJob } from "../../../components/training/component.ts";
import { renderSearch } from "../../../components/training/search.ts";
import { countByType, declare, find } from "../engine.ts";
import { DATASET_RECORD } from "../fixtures.ts";
import { CONTEXT, SEARCH_RUN, TUNED } from "./fixtures.ts";
import {
  artifactMounts,
  commonEnvironment,
  endOf,
  environmentOf,
  POD_FAILURES,
  podOf,
  recorderOf,
  specOf,
  workloadOf,
} from "./rendered.ts";

const database = {
  host: "database",
  port: 5432,
  user: "millwright",
  secretName: "database-3",
  secretKey: "password",
};
const args = { ...CONTEXT, run: SEARCH_RUN, database };
const search = renderSearch(args);

/** Not proven: what Kubernetes does when workers are lost. */
describe("search run", () => {
  it("tells each worker the study and its database, and of the password only the file", () => {
    assert.deepEqual(environmentOf(workloadOf(search)), {
      ...commonEnvironment("search", SEARCH_RUN.name, 3),
      MILLWRIGHT_INPUT: "/millwright/input",
      MILLWRIGHT_CHECKPOINT: "/millwright/checkpoint",
      MILLWRIGHT_STUDY: SEARCH_RUN.study,
      MILLWRIGHT_DATABASE_HOST: "database",
      MILLWRIGHT_DATABASE_PORT: "5432",
      MILLWRIGHT_DATABASE_USER: "millwright",
      MILLWRIGHT_DATABASE_NAME: "optuna",
      MILLWRIGHT_DATABASE_PASSWORD_FILE: "/millwright/secrets/database/password",
    });
  });

  it("mounts the password in the workload alone, readable for its group", () => {
    assert.deepEqual(
      podOf(search).volumes.filter((volume) => "secret" in volume),
      [
        {
          name: "database",
          secret: { secretName: "database-3", items: [{ key: "password", path: "password" }], defaultMode: 0o440 },
        },
      ],
    );
    const mounts = (container: { volumeMounts: { name: string }[] }) =>
      container.volumeMounts.filter(({ name }) => name === "database");
    assert.deepEqual(mounts(workloadOf(search)), [
      { name: "database", mountPath: "/millwright/secrets/database", readOnly: true },
    ]);
    assert.deepEqual(mounts(recorderOf(search)), []);
  });

  it("reads the dataset its record names, and writes folders of its own", () => {
    assert.deepEqual(artifactMounts(search), [
      { name: "artifacts", subPath: DATASET_RECORD.artifact.path, mountPath: "/millwright/input", readOnly: true },
      { name: "artifacts", subPath: `searches/${SEARCH_RUN.name}`, mountPath: "/millwright/output" },
      { name: "artifacts", subPath: `checkpoints/${SEARCH_RUN.name}`, mountPath: "/millwright/checkpoint" },
    ]);
  });

  it("gets what decides the trials as a file, the space by path", () => {
    assert.deepEqual(specOf(search), {
      search: {
        algorithm: "tpe",
        pruner: "median",
        objectives: [{ metric: "validationAccuracy", direction: "maximize" }],
        trials: 12,
        epochs: 2,
        timeoutSeconds: 900,
        seed: 17,
        space: {
          batchSize: { kind: "categorical", choices: [32, 64] },
          learningRate: { kind: "float", low: 0.0001, high: 0.1, log: true },
          "network.channels": { kind: "integer", low: 8, high: 64, step: 8, log: false },
          "network.dropout": {
            kind: "float",
            low: 0,
            high: 0.5,
            log: false,
            when: { parameter: "batchSize", equals: 32 },
          },
        },
      },
      training: TUNED.training,
      task: "text-classification",
      labels: ["spam", "wanted"],
    });
  });

  it("goes on while one worker has restarts left, and is complete with worker 0", () => {
    assert.deepEqual(endOf(search), {
      completionMode: "Indexed",
      completions: 3,
      parallelism: 3,
      backoffLimitPerIndex: 3,
      maxFailedIndexes: 2,
      successPolicy: { rules: [{ succeededIndexes: "0" }] },
      activeDeadlineSeconds: 14_400,
      ...POD_FAILURES,
    });
  });

  it("is a spec and a Job: its workers need not meet", async () => {
    const { registrations } = await declare(() => new SearchJob(SEARCH_RUN.name, args));
    assert.deepEqual(countByType(registrations), {
      "millwright:training:SearchJob": 1,
      "kubernetes:core/v1:ConfigMap": 1,
      "kubernetes:batch/v1:Job": 1,
    });
    const job = find(registrations, "kubernetes:batch/v1:Job");
    assert.deepEqual(job.ignoreChanges, ["spec", ...KEPT_QUEUE_LABELS]);
    assert.deepEqual(job.dependencies, [`${SEARCH_RUN.name}-spec`]);
  });
});
