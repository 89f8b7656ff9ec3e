import assert from "node:assert/strict";
import { DatasetJob, TrainingJob } from "../../../components/training/component.ts";
import { renderDataset } from "../../../components/training/dataset.ts";
import { renderIdentity } from "../../../components/training/identity.ts";
import { renderTraining } from "../../../components/training/training.ts";
import { validateRun } from "../../../components/training/validate.ts";
import { refusal } from "../engine.ts";
import { DATASET_RECORD, DATASET_RUN, MODEL, TRAINING_RUN } from "../fixtures.ts";

const context = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  serviceAccountName: "mail-triage-runs",
  images: { workload: "trainer@sha256:1", recorder: "recorder@sha256:2" },
};
const dataset = renderDataset({ ...context, run: DATASET_RUN });
const training = renderTraining({ ...context, run: TRAINING_RUN });

const workload = (rendered: { job: typeof training.job }) => rendered.job.spec.template.spec.containers[0]!;
const recorder = (rendered: { job: typeof training.job }) => rendered.job.spec.template.spec.containers[1]!;

function environment(container: ReturnType<typeof workload>): Record<string, string> {
  return Object.fromEntries(
    container.env.map((variable) => [
      variable.name,
      "value" in variable ? variable.value : `<${variable.valueFrom.fieldRef.fieldPath}>`,
    ]),
  );
}

const WORKER_INDEX = "<metadata.annotations['batch.kubernetes.io/job-completion-index']>";

describe("run", () => {
  describe("of a dataset", () => {
    it("tells the workload what the contract says", () => {
      assert.deepEqual(environment(workload(dataset)), {
        HOME: "/tmp",
        TMPDIR: "/tmp",
        MILLWRIGHT_STAGE: "dataset",
        MILLWRIGHT_MODEL: "mail-triage",
        MILLWRIGHT_RUN: DATASET_RUN.name,
        MILLWRIGHT_SPEC: "/millwright/spec/spec.json",
        MILLWRIGHT_SOURCE: "/source",
        MILLWRIGHT_OUTPUT: "/millwright/output",
        MILLWRIGHT_RESULT: "/millwright/result/result.json",
        MILLWRIGHT_PROGRESS: "/millwright/result/progress.json",
        MILLWRIGHT_WORKERS: "1",
        MILLWRIGHT_WORKER_INDEX: WORKER_INDEX,
      });
      assert.deepEqual(workload(dataset).command, ["millwright-run"]);
    });

    it("sees of the artifact store its own folder alone", () => {
      assert.deepEqual(workload(dataset).volumeMounts, [
        { name: "spec", mountPath: "/millwright/spec", readOnly: true },
        { name: "artifacts", subPath: `datasets/${DATASET_RUN.name}`, mountPath: "/millwright/output" },
        { name: "result", mountPath: "/millwright/result" },
        { name: "tmp", mountPath: "/tmp" },
      ]);
    });

    it("gets its format and split as a file", () => {
      assert.equal(dataset.spec.metadata.name, `${DATASET_RUN.name}-spec`);
      assert.equal(dataset.spec.immutable, true);
      assert.deepEqual(JSON.parse(dataset.spec.data["spec.json"]!), {
        format: "spam-assassin",
        split: { train: 0.8, validation: 0.1, test: 0.1, seed: 17 },
      });
    });
  });

  describe("of a training", () => {
    it("tells each worker its group", () => {
      assert.deepEqual(environment(workload(training)), {
        HOME: "/tmp",
        TMPDIR: "/tmp",
        MILLWRIGHT_STAGE: "training",
        MILLWRIGHT_MODEL: "mail-triage",
        MILLWRIGHT_RUN: TRAINING_RUN.name,
        MILLWRIGHT_SPEC: "/millwright/spec/spec.json",
        MILLWRIGHT_INPUT: "/millwright/input",
        MILLWRIGHT_OUTPUT: "/millwright/output",
        MILLWRIGHT_CHECKPOINT: "/millwright/checkpoint",
        MILLWRIGHT_RESULT: "/millwright/result/result.json",
        MILLWRIGHT_PROGRESS: "/millwright/result/progress.json",
        MILLWRIGHT_RENDEZVOUS: `${TRAINING_RUN.name}-0.${TRAINING_RUN.name}:29500`,
        MILLWRIGHT_WORKERS: "2",
        MILLWRIGHT_WORKER_INDEX: WORKER_INDEX,
      });
    });

    it("reads the dataset its record names, and writes folders of its own", () => {
      const artifacts = workload(training).volumeMounts.filter(({ name }) => name === "artifacts");
      assert.deepEqual(artifacts, [
        { name: "artifacts", subPath: DATASET_RECORD.artifact.path, mountPath: "/millwright/input", readOnly: true },
        { name: "artifacts", subPath: `training/${TRAINING_RUN.name}`, mountPath: "/millwright/output" },
        { name: "artifacts", subPath: `checkpoints/${TRAINING_RUN.name}`, mountPath: "/millwright/checkpoint" },
      ]);
    });

    it("gets its parameters, its task and the dataset's labels as a file", () => {
      assert.deepEqual(JSON.parse(training.spec.data["spec.json"]!), {
        ...MODEL.training,
        task: "text-classification",
        labels: ["spam", "wanted"],
      });
    });

    it("gives every worker a host name before it is ready", () => {
      const { spec, metadata } = training.service;
      assert.equal(metadata.name, TRAINING_RUN.name);
      assert.equal(spec.clusterIP, "None");
      assert.equal(spec.publishNotReadyAddresses, true);
      assert.equal(training.job.spec.template.spec.subdomain, metadata.name);
      assert.deepEqual(spec.selector, training.job.spec.template.metadata.labels);
    });

    it("is one Job of indexed workers that restart as a group, and end at once on a final exit code", () => {
      const { template: _, ...spec } = training.job.spec;
      assert.deepEqual(spec, {
        completionMode: "Indexed",
        completions: 2,
        parallelism: 2,
        backoffLimitPerIndex: 3,
        maxFailedIndexes: 0,
        activeDeadlineSeconds: 7200,
        podReplacementPolicy: "Failed",
        podFailurePolicy: {
          rules: [
            { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
            { action: "FailJob", onExitCodes: { operator: "In", values: [64, 65, 66] } },
          ],
        },
      });
      assert.equal(training.job.spec.template.spec.restartPolicy, "Never");
    });

    it("has time for a checkpoint when it is told to stop", () => {
      assert.equal(training.job.spec.template.spec.terminationGracePeriodSeconds, 60);
    });
  });

  for (const [kind, rendered] of Object.entries({ dataset, training })) {
    it(`of a ${kind} is not awaited`, () => {
      assert.equal(rendered.job.metadata.annotations["pulumi.com/skipAwait"], "true");
    });

    it(`of a ${kind} has a recorder with the token, and the result read-only`, () => {
      assert.deepEqual(recorder(rendered).command, ["python3", "-m", "millwright_recorder"]);
      assert.deepEqual(recorder(rendered).volumeMounts, [
        { name: "result", mountPath: "/millwright/result", readOnly: true },
        { name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
      ]);
      const run = rendered.job.metadata.name;
      assert.deepEqual(environment(recorder(rendered)), {
        MILLWRIGHT_STAGE: kind,
        MILLWRIGHT_MODEL: "mail-triage",
        MILLWRIGHT_RUN: run,
        MILLWRIGHT_RESULT: "/millwright/result/result.json",
        MILLWRIGHT_NAMESPACE: "models",
        MILLWRIGHT_ARTIFACT_PATH: kind === "dataset" ? `datasets/${run}` : `training/${run}/model`,
        MILLWRIGHT_WORKER_INDEX: WORKER_INDEX,
        MILLWRIGHT_POD: "<metadata.name>",
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
      const run = { ...TRAINING_RUN, dataset: record };
      assert.deepEqual(
        validateRun(run).map((problem) => [problem.path, problem.value]),
        [["run.dataset.artifact.path", path]],
      );
      const error = await refusal(() => new TrainingJob(run.name, { ...context, run }));
      assert.match(error.message, /cannot be made:\n {2}run\.dataset\.artifact\.path/);
    });
  }

  it("refuses a name that leaves no room for the index of its last worker", async () => {
    const name = "m".repeat(60);
    const model = { ...MODEL, training: { ...MODEL.training, workers: 100 } };
    assert.equal(validateRun({ ...TRAINING_RUN, name, model }).length, 0);
    assert.equal(
      validateRun({ ...TRAINING_RUN, name, model: { ...model, training: { ...model.training, workers: 101 } } }).length,
      1,
    );
    const error = await refusal(
      () => new DatasetJob("x", { ...context, run: { ...DATASET_RUN, name: "Not_A_Label" } }),
    );
    assert.match(error.message, /run\.name: .*"Not_A_Label"/);
  });
});
