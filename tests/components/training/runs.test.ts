import assert from "node:assert/strict";
import { DatasetJob, TrainingJob } from "../../../components/training/component.ts";
import { renderCompression } from "../../../components/training/compression.ts";
import { renderDataset } from "../../../components/training/dataset.ts";
import { renderIdentity } from "../../../components/training/identity.ts";
import { renderRollout } from "../../../components/training/rollout.ts";
import { renderSearch } from "../../../components/training/search.ts";
import { renderTraining } from "../../../components/training/training.ts";
import { validateRun } from "../../../components/training/validate.ts";
import { refusal } from "../engine.ts";
import { DATASET_RECORD, DATASET_RUN, MODEL, TRAINING_RUN } from "../fixtures.ts";
import { COMPRESSION_RUN, CONTEXT, ROLLOUT_STEP_RUN, SEARCH_RUN, TUNED, TUNED_TRAINING_RUN } from "./fixtures.ts";
import {
  artifactMounts,
  commonEnvironment,
  endOf,
  environmentOf,
  POD_FAILURES,
  podOf,
  recorderOf,
  specOf,
  WORKER_INDEX,
  workloadOf,
} from "./rendered.ts";

const dataset = renderDataset({ ...CONTEXT, run: DATASET_RUN });
const training = renderTraining({ ...CONTEXT, run: TRAINING_RUN });
const search = renderSearch({
  ...CONTEXT,
  run: SEARCH_RUN,
  database: { host: "database", port: 5432, user: "millwright", secretName: "database-1", secretKey: "password" },
});
const compression = renderCompression({ ...CONTEXT, run: COMPRESSION_RUN });
const rollout = renderRollout({
  ...CONTEXT,
  run: ROLLOUT_STEP_RUN,
  urls: {
    candidate: "http://candidate:8080",
    stable: "http://stable:8080",
    routerMetrics: "http://router:8404/metrics",
  },
});

/**
 * Not proven: that Kubernetes accepts the objects, and that the workloads take what they are told (contract.service.test.ts).
 */
describe("run", () => {
  describe("of a dataset", () => {
    it("tells the workload what the contract says", () => {
      assert.deepEqual(environmentOf(workloadOf(dataset)), {
        ...commonEnvironment("dataset", DATASET_RUN.name, 1),
        MILLWRIGHT_SOURCE: "/source",
      });
      assert.deepEqual(workloadOf(dataset).command, ["millwright-run"]);
    });

    it("has no source where the data is built in", () => {
      const source = { kind: "builtin", name: "digits" } as const;
      const run = { ...DATASET_RUN, model: { ...MODEL, dataset: { ...MODEL.dataset, source } } };
      const rendered = renderDataset({ ...CONTEXT, run });
      assert.deepEqual(environmentOf(workloadOf(rendered)), commonEnvironment("dataset", DATASET_RUN.name, 1));
    });

    it("sees of the artifact store its own folder alone", () => {
      assert.deepEqual(workloadOf(dataset).volumeMounts, [
        { name: "spec", mountPath: "/millwright/spec", readOnly: true },
        { name: "artifacts", subPath: `datasets/${DATASET_RUN.name}`, mountPath: "/millwright/output" },
        { name: "result", mountPath: "/millwright/result" },
        { name: "tmp", mountPath: "/tmp" },
      ]);
    });

    it("gets its format and split as a file", () => {
      assert.equal(dataset.spec.metadata.name, `${DATASET_RUN.name}-spec`);
      assert.equal(dataset.spec.immutable, true);
      assert.deepEqual(specOf(dataset), {
        format: "spam-assassin",
        split: { train: 0.8, validation: 0.1, test: 0.1, seed: 17 },
      });
    });
  });

  describe("of a training", () => {
    it("tells each worker its group", () => {
      assert.deepEqual(environmentOf(workloadOf(training)), {
        ...commonEnvironment("training", TRAINING_RUN.name, 2),
        MILLWRIGHT_INPUT: "/millwright/input",
        MILLWRIGHT_CHECKPOINT: "/millwright/checkpoint",
        MILLWRIGHT_RENDEZVOUS: `${TRAINING_RUN.name}-0.${TRAINING_RUN.name}-group:29500`,
      });
    });

    it("reads the dataset its record names, and writes folders of its own", () => {
      assert.deepEqual(artifactMounts(training), [
        { name: "artifacts", subPath: DATASET_RECORD.artifact.path, mountPath: "/millwright/input", readOnly: true },
        { name: "artifacts", subPath: `training/${TRAINING_RUN.name}`, mountPath: "/millwright/output" },
        { name: "artifacts", subPath: `checkpoints/${TRAINING_RUN.name}`, mountPath: "/millwright/checkpoint" },
      ]);
    });

    it("gets its parameters, its task and the dataset's labels as a file", () => {
      const { start, ...parameters } = MODEL.training;
      assert.deepEqual(specOf(training), {
        ...parameters,
        task: "text-classification",
        labels: ["spam", "wanted"],
      });
    });

    it("learns with what a search found, not with what the stack file says", () => {
      const { start, ...written } = TUNED.training;
      const found = { ...written, learningRate: 0.02, network: { ...written.network, channels: 48 } };
      assert.deepEqual(specOf(renderTraining({ ...CONTEXT, run: TUNED_TRAINING_RUN })), {
        ...found,
        task: "text-classification",
        labels: ["spam", "wanted"],
      });
    });

    it("sees the whole folder of the training it starts from, read-only, and is told of it", () => {
      const base = { run: "mail-triage-training-0123456789", sha256: "8".repeat(64) };
      const model = { ...MODEL, training: { ...MODEL.training, start: { kind: "version" as const } } };
      const tuned = renderTraining({ ...CONTEXT, run: { ...TRAINING_RUN, model, training: model.training, base } });
      assert.deepEqual(artifactMounts(tuned)[1], {
        name: "artifacts",
        subPath: "training/mail-triage-training-0123456789",
        mountPath: "/millwright/base",
        readOnly: true,
      });
      assert.equal(environmentOf(workloadOf(tuned)).MILLWRIGHT_BASE, "/millwright/base");
      assert.deepEqual(specOf(tuned), { ...(specOf(training) as object), base });
      assert.deepEqual(
        validateRun({ ...TRAINING_RUN, base: { ...base, run: "../elsewhere" } }).map(({ path }) => path),
        ["run.base.run"],
      );
    });

    it("gives every worker a host name before it is ready", () => {
      const { spec, metadata } = training.service;
      // Not the run's own name: if what it trains is served, that is the name of a Service of its servers.
      assert.equal(metadata.name, `${TRAINING_RUN.name}-group`);
      assert.equal(spec.clusterIP, "None");
      assert.equal(spec.publishNotReadyAddresses, true);
      assert.equal(podOf(training).subdomain, metadata.name);
      assert.deepEqual(spec.selector, training.job.spec.template.metadata.labels);
    });

    it("is one Job of indexed workers that restart as a group, and end at once on a final exit code", () => {
      assert.deepEqual(endOf(training), {
        completionMode: "Indexed",
        completions: 2,
        parallelism: 2,
        backoffLimitPerIndex: 3,
        maxFailedIndexes: 0,
        activeDeadlineSeconds: 7200,
        podReplacementPolicy: "Failed",
        podFailurePolicy: {
          rules: [
            POD_FAILURES.podFailurePolicy.rules[0],
            { action: "Ignore", onExitCodes: { containerName: "workload", operator: "In", values: [75] } },
            POD_FAILURES.podFailurePolicy.rules[1],
          ],
        },
      });
      assert.equal(podOf(training).restartPolicy, "Never");
    });

    it("counts every end of a worker that waits for no other", () => {
      const alone = { ...TRAINING_RUN, training: { ...MODEL.training, workers: 1 } };
      const { podFailurePolicy } = endOf(renderTraining({ ...CONTEXT, run: alone }));
      assert.deepEqual(podFailurePolicy, POD_FAILURES.podFailurePolicy);
    });

    it("has time for a checkpoint when it is told to stop", () => {
      assert.equal(podOf(training).terminationGracePeriodSeconds, 60);
    });
  });

  for (const [kind, rendered, artifact] of [
    ["dataset", dataset, `datasets/${DATASET_RUN.name}`],
    ["search", search, `searches/${SEARCH_RUN.name}`],
    ["training", training, `training/${TRAINING_RUN.name}/model`],
    ["compression", compression, `compression/${COMPRESSION_RUN.name}/model`],
    ["rollout", rollout, `rollouts/${ROLLOUT_STEP_RUN.name}`],
  ] as const) {
    describe(`of any kind, such as ${kind}`, () => {
      it("is not awaited", () => {
        assert.equal(rendered.job.metadata.annotations["pulumi.com/skipAwait"], "true");
      });

      it("carries its kind, its model and its name on every object", () => {
        const labels = {
          "app.kubernetes.io/name": "mail-triage",
          "app.kubernetes.io/component": kind,
          "app.kubernetes.io/part-of": "millwright",
          "app.kubernetes.io/managed-by": "pulumi",
          "millwright.dev/model": "mail-triage",
          "millwright.dev/run": rendered.job.metadata.name,
        };
        assert.deepEqual(rendered.job.metadata.labels, labels);
        assert.deepEqual(rendered.job.spec.template.metadata.labels, labels);
        assert.deepEqual(rendered.spec.metadata.labels, labels);
      });

      it("has a recorder with the token, and the spec and the result read-only", () => {
        const recorder = recorderOf(rendered);
        assert.deepEqual(recorder.command, ["python3", "-m", "millwright_recorder"]);
        assert.deepEqual(recorder.volumeMounts, [
          { name: "spec", mountPath: "/millwright/spec", readOnly: true },
          { name: "result", mountPath: "/millwright/result", readOnly: true },
          { name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
        ]);
        assert.deepEqual(environmentOf(recorder), {
          MILLWRIGHT_STAGE: kind,
          MILLWRIGHT_MODEL: "mail-triage",
          MILLWRIGHT_RUN: rendered.job.metadata.name,
          MILLWRIGHT_SPEC: "/millwright/spec/spec.json",
          MILLWRIGHT_RESULT: "/millwright/result/result.json",
          MILLWRIGHT_NAMESPACE: "models",
          MILLWRIGHT_ARTIFACT_PATH: artifact,
          MILLWRIGHT_WORKER_INDEX: WORKER_INDEX,
          MILLWRIGHT_POD: "<metadata.name>",
        });
      });
    });
  }

  it("has an account that can read a pod and create a record, and nothing else", () => {
    const { role, binding, serviceAccount } = renderIdentity({ model: "mail-triage", namespace: "models" });
    assert.deepEqual(role.rules, [
      { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
      { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
    ]);
    assert.equal(binding.roleRef.name, role.metadata.name);
    assert.deepEqual(binding.subjects, [
      { kind: "ServiceAccount", name: serviceAccount.metadata.name, namespace: "models" },
    ]);
    assert.equal(serviceAccount.automountServiceAccountToken, false);
  });

  for (const path of ["../etc", "datasets/../../etc", "/etc", "datasets//x", ""]) {
    it(`refuses an artifact at ${JSON.stringify(path)}`, async () => {
      const record = { ...DATASET_RECORD, artifact: { ...DATASET_RECORD.artifact, path } };
      for (const run of [TRAINING_RUN, SEARCH_RUN, COMPRESSION_RUN, ROLLOUT_STEP_RUN]) {
        assert.deepEqual(
          validateRun({ ...run, dataset: record }).map((problem) => [problem.path, problem.value]),
          [["run.dataset.artifact.path", path]],
        );
      }
      const run = { ...TRAINING_RUN, dataset: record };
      const error = await refusal(() => new TrainingJob(run.name, { ...CONTEXT, run }));
      assert.match(error.message, /^The training run .* cannot be made:\n {2}run\.dataset\.artifact\.path/);
    });
  }

  it("refuses a name that leaves no room for the index of its last worker", async () => {
    const name = "m".repeat(60);
    const trained = (workers: number) => ({ ...TRAINING_RUN, name, training: { ...MODEL.training, workers } });
    const searched = (workers: number) => ({ ...SEARCH_RUN, name, search: { ...SEARCH_RUN.search, workers } });
    for (const withWorkers of [trained, searched]) {
      assert.equal(validateRun(withWorkers(100)).length, 0);
      assert.equal(validateRun(withWorkers(101)).length, 1);
    }
    const error = await refusal(
      () => new DatasetJob("x", { ...CONTEXT, run: { ...DATASET_RUN, name: "Not_A_Label" } }),
    );
    assert.match(error.message, /run\.name: .*"Not_A_Label"/);
  });
});
