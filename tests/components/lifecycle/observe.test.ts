import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { labelsFor, RECORD_LABEL } from "../../../components/core/labels.ts";
import { recordName } from "../../../components/core/names.ts";
import { ObservationError, observe } from "../../../components/lifecycle/observe.ts";
import type { RunRecord, RunStatus, TriggerRecord } from "../../../components/lifecycle/types.ts";
import { type Answer, FakeApi } from "./api.ts";
import { datasetRecordOf, stackOf, trainingRecordOf } from "./fixtures.ts";

const stack = stackOf("mail-triage");
const dataset = datasetRecordOf(stack, "mail-triage");
const training = trainingRecordOf(stack, "mail-triage");

type OfRun = Exclude<RunRecord, TriggerRecord>;

function configMapOf(record: OfRun, data: Record<string, string> = { "record.json": JSON.stringify(record) }) {
  const labels = {
    ...labelsFor({ component: record.kind, model: record.model, run: record.run }),
    [RECORD_LABEL]: record.kind,
  };
  return { metadata: { name: recordName(record.run), labels }, data };
}

function jobOf({ run, model, kind }: OfRun, status: object = {}, metadata: object = {}, completions = 1) {
  const labels = labelsFor({ component: kind, model, run });
  return { metadata: { name: run, labels, ...metadata }, spec: { completions }, status };
}

function podOf({ run, model, kind }: OfRun, status: object) {
  return { metadata: { name: `${run}-0-abcde`, labels: labelsFor({ component: kind, model, run }) }, status };
}

/** A worker of a group, by whether it has a place. */
function workerOf({ run, model, kind }: OfRun, index: number, isPlaced: boolean, phase = "Pending") {
  const scheduled = isPlaced
    ? { type: "PodScheduled", status: "True" }
    : { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/2 nodes are available" };
  return {
    metadata: {
      name: `${run}-${index}-abcde`,
      labels: labelsFor({ component: kind, model, run }),
      annotations: { "batch.kubernetes.io/job-completion-index": String(index) },
    },
    status: { phase, conditions: [scheduled] },
  };
}

describe("observe", () => {
  let api: FakeApi;
  beforeEach(async () => {
    api = await FakeApi.start();
  });
  afterEach(() => api.stop());

  const listed = (kind: "Job" | "ConfigMap" | "Pod", ...items: unknown[]): Answer => ({
    body: { kind: `${kind}List`, items },
  });
  const refusal = async (platform = api.platform()): Promise<string> => {
    const error: unknown = await observe(platform).then(
      (observations) => assert.fail(`it was observed: ${JSON.stringify(observations)}`),
      (error: unknown) => error,
    );
    assert.ok(error instanceof ObservationError, String(error));
    assert.match(error.message, /nothing was changed/);
    return error.message;
  };
  const statusFor = async (job: unknown, ...pods: unknown[]): Promise<RunStatus | undefined> => {
    api.answers.jobs = listed("Job", job);
    api.answers.pods = listed("Pod", ...pods);
    return (await observe(api.platform())).runs[0];
  };

  it("sees nothing in a namespace with nothing in it", async () => {
    assert.deepEqual(await observe(api.platform()), { records: [], runs: [] });
  });

  it("only reads, in the stack's namespace, by label, Jobs before records", async () => {
    await observe(api.platform());
    assert.deepEqual(
      api.requests.map(({ method, url }) => [method, url]),
      [
        ["GET", "/apis/batch/v1/namespaces/millwright/jobs?labelSelector=millwright.dev%2Frun"],
        ["GET", "/api/v1/namespaces/millwright/configmaps?labelSelector=millwright.dev%2Frecord"],
      ],
    );
    assert.ok(api.requests.every(({ headers }) => headers.authorization === "Bearer secret"));
  });

  it("reads records as they were written", async () => {
    api.answers.configmaps = listed("ConfigMap", configMapOf(dataset), configMapOf(training));
    assert.deepEqual((await observe(api.platform())).records, [dataset, training]);
  });

  it("reads records that a newer workload has written more into", async () => {
    const extended = { ...training, metrics: { ...training.metrics, energyJoules: 12 }, novelty: true };
    api.answers.configmaps = listed("ConfigMap", configMapOf(extended));
    const { novelty, ...known } = extended;
    assert.deepEqual((await observe(api.platform())).records, [known]);
  });

  it("reads of a training's spec what it started from: without it every promotion would call for another training", async () => {
    const base = { run: "mail-triage-training-0000000001", sha256: "b".repeat(64) };
    const specs = [{ epochs: 2, base }, { epochs: 2 }, undefined];
    for (const spec of specs) {
      api.answers.configmaps = listed("ConfigMap", configMapOf({ ...training, spec } as RunRecord as OfRun));
      const [record] = (await observe(api.platform())).records;
      assert.deepEqual(record?.kind === "training" && record.spec?.base, spec === specs[0] ? base : undefined);
    }
    api.answers.configmaps = listed(
      "ConfigMap",
      configMapOf({ ...training, spec: { base: { ...base, sha256: "b" } } }),
    );
    assert.match(await refusal(), /spec\.base\.sha256/);
  });

  const done = (type: string, more: object = {}) => ({ conditions: [{ type, status: "True", ...more }] });
  const failure = { reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  const STATES: [string, unknown, unknown[], Pick<RunStatus, "state" | "reason">][] = [
    ["new", jobOf(training), [], { state: "pending" }],
    ["running", jobOf(training, { ready: 2, active: 2 }), [], { state: "running" }],
    ["complete", jobOf(training, done("Complete")), [], { state: "complete" }],
    ["about to be complete", jobOf(training, { ready: 1, ...done("SuccessCriteriaMet") }), [], { state: "running" }],
    [
      "failed",
      jobOf(training, done("Failed", failure)),
      [],
      { state: "failed", reason: `${failure.reason}: ${failure.message}` },
    ],
    ["about to fail", jobOf(training, done("FailureTarget", failure)), [], { state: "pending" }],
    ["not failed", jobOf(training, { conditions: [{ type: "Failed", status: "False" }] }), [], { state: "pending" }],
    [
      "being removed",
      jobOf(training, done("Failed"), { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      [],
      { state: "pending", reason: "its Job is being removed" },
    ],
    [
      "restarted",
      jobOf(training, { ready: 1, failed: 1 }),
      [],
      { state: "running", reason: "1 of its pods failed and was replaced" },
    ],
    [
      "waiting in a queue, be it after it was driven out",
      jobOf(training, { failed: 1, ...done("Suspended", { reason: "JobSuspended" }) }),
      [],
      { state: "pending", reason: "it waits in its team's queue" },
    ],
    [
      "let begin by its queue",
      jobOf(training, { ready: 1, conditions: [{ type: "Suspended", status: "False", reason: "JobResumed" }] }),
      [],
      { state: "running" },
    ],
    [
      "without a node",
      jobOf(training),
      [
        podOf(training, {
          conditions: [
            { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes are available" },
          ],
        }),
      ],
      { state: "pending", reason: `pod ${training.run}-0-abcde Unschedulable: 0/1 nodes are available` },
    ],
    [
      "placed in part",
      jobOf(training, { ready: 1 }, {}, 2),
      [workerOf(training, 0, true, "Running"), workerOf(training, 1, false)],
      {
        state: "pending",
        reason: `1 of 2 workers has no place: pod ${training.run}-1-abcde Unschedulable: 0/2 nodes are available`,
      },
    ],
    [
      "without any of its workers, one of which gave its place back",
      jobOf(training, {}, {}, 2),
      [workerOf(training, 0, true, "Failed")],
      { state: "pending", reason: "2 of 2 workers have no place" },
    ],
    [
      "whole, one worker having been placed anew",
      jobOf(training, { ready: 2, failed: 1 }, {}, 2),
      [
        workerOf(training, 0, true, "Failed"),
        workerOf(training, 0, true, "Running"),
        workerOf(training, 1, true, "Running"),
      ],
      { state: "running", reason: "1 of its pods failed and was replaced" },
    ],
    [
      "done but for its first worker",
      jobOf(training, { ready: 1 }, {}, 2),
      [workerOf(training, 0, true, "Running"), workerOf(training, 1, true, "Succeeded")],
      { state: "running" },
    ],
    [
      "without its image",
      jobOf(training),
      [
        podOf(training, {
          containerStatuses: [
            { name: "workload", state: { waiting: { reason: "ImagePullBackOff", message: "not found" } } },
          ],
        }),
      ],
      { state: "pending", reason: `container workload of pod ${training.run}-0-abcde ImagePullBackOff: not found` },
    ],
    [
      "just starting",
      jobOf(training),
      [
        podOf(training, {
          containerStatuses: [{ name: "workload", state: { waiting: { reason: "ContainerCreating" } } }],
        }),
      ],
      { state: "pending" },
    ],
    [
      "beside a run that waits",
      jobOf(training),
      [podOf(dataset, { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] })],
      { state: "pending" },
    ],
  ];
  for (const [title, job, pods, expected] of STATES) {
    it(`tells of a Job that is ${title}: ${expected.state}`, async () => {
      assert.deepEqual(await statusFor(job, ...pods), {
        run: training.run,
        model: "mail-triage",
        kind: "training",
        ...expected,
      });
    });
  }

  const UNKNOWN: [string, Answer, RegExp][] = [
    [
      "403",
      { status: 403, body: { kind: "Status", message: "jobs is forbidden: no" } },
      /403 Forbidden: jobs is forbidden: no.*must be allowed to list/,
    ],
    ["401", { status: 401, body: { kind: "Status", message: "Unauthorized" } }, /401 Unauthorized/],
    ["404", { status: 404, body: "404 page not found" }, /404 Not Found: 404 page not found/],
    [
      "500",
      { status: 500, body: { kind: "Status", message: "etcd is gone" } },
      /500 Internal Server Error: etcd is gone.*Check that it runs/,
    ],
    ["503 without a word", { status: 503, body: "" }, /503 Service Unavailable: no explanation/],
    ["another page", { body: "<html>Please log in</html>" }, /not JSON but .*Please log in/],
    ["something else", { body: { kind: "Status", items: [] } }, /its answer is not understood: kind/],
    ["no items", { body: { kind: "JobList" } }, /its answer is not understood/],
  ];
  for (const resource of ["jobs", "configmaps"] as const) {
    for (const [title, answer, says] of UNKNOWN) {
      it(`takes ${title} for ${resource} as unknown, not as absent`, async () => {
        api.answers[resource] = answer;
        assert.match(await refusal(), says);
      });
    }
  }

  it("asks for pods only where a run is under way", async () => {
    await statusFor(jobOf(training, done("Complete")));
    assert.ok(api.requests.every(({ url }) => !url?.includes("/pods")));
    await statusFor(jobOf(training));
    assert.ok(api.requests.some(({ url }) => url?.includes("/pods")));
  });

  it("takes pods it may not list as unknown where a run waits", async () => {
    api.answers.jobs = listed("Job", jobOf(training));
    api.answers.pods = { status: 403, body: { message: "no" } };
    assert.match(await refusal(), /403/);
  });

  it("takes a cluster that does not answer as unknown", async () => {
    await api.stopListening();
    const message = await refusal();
    assert.match(message, /ECONNREFUSED/);
    assert.match(message, /context test in .*kubeconfig/);
  });

  it("names every record it cannot read, and how to look at it", async () => {
    api.answers.configmaps = listed(
      "ConfigMap",
      configMapOf(dataset, { "record.json": "{" }),
      configMapOf(training, { "record.json": JSON.stringify({ ...training, completedAt: "yesterday", steps: -1 }) }),
      configMapOf({ ...training, run: "mail-triage-training-0000000001" }, {}),
    );
    const message = await refusal();
    assert.match(message, new RegExp(`${recordName(dataset.run)} .*is not JSON`));
    assert.match(message, new RegExp(`${recordName(training.run)} .*completedAt: .*; steps: `));
    assert.match(message, /record-mail-triage-training-0000000001 .*its data has no record\.json/);
    assert.match(message, /kubectl --namespace millwright get configmap/);
  });

  it("does not take a record under another name, model or kind", async () => {
    const proper = configMapOf(training);
    const { name, labels } = proper.metadata;
    for (const metadata of [
      { name: "record-else", labels },
      { name, labels: { ...labels, "millwright.dev/model": "else" } },
      { name, labels: { ...labels, [RECORD_LABEL]: "dataset" } },
    ]) {
      api.answers.configmaps = listed("ConfigMap", { ...proper, metadata });
      assert.match(await refusal(), /should be .* by its record\.json, and is/);
    }
  });

  it("names a Job that carries a run's label but not a run's kind", async () => {
    api.answers.jobs = listed("Job", { metadata: { name: "stray", labels: { "millwright.dev/run": "x" } } });
    assert.match(await refusal(), /items\[0\]\.metadata\.labels/);
  });

  describe("by a kubeconfig", () => {
    it("that is missing: unknown, with what to do", async () => {
      assert.match(await refusal(api.platform({ kubeconfig: "/nowhere/kubeconfig" })), /ENOENT.*kubectl reaches it/);
    });

    it("without the context: names those it has", async () => {
      assert.match(await refusal(api.platform({ context: "production" })), /no context production; it has test/);
    });

    it("that is not one: unknown", async () => {
      await writeFile(api.kubeconfig, "not: [a kubeconfig");
      await refusal();
    });

    it("with a login command: uses what the command prints", async () => {
      const credential = {
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        status: { token: "printed" },
      };
      const exec = {
        apiVersion: credential.apiVersion,
        command: "echo",
        args: [JSON.stringify(credential)],
        interactiveMode: "Never",
      };
      await api.writeKubeconfig({ exec }, { "insecure-skip-tls-verify": true });
      await observe(api.platform());
      assert.equal(api.requests[0]?.headers.authorization, "Bearer printed");
    });

    it("of the local datacenter: is found below MILLWRIGHT_HOME", async () => {
      const before = process.env["MILLWRIGHT_HOME"];
      process.env["MILLWRIGHT_HOME"] = join(api.kubeconfig, "../home");
      try {
        const local = { ...stack.platform, cluster: { kind: "local" } as const };
        assert.match(await refusal(local), /home\/kubeconfig.*ENOENT.*npm run up starts it/);
        await mkdir(process.env["MILLWRIGHT_HOME"], { recursive: true });
        await api.writeKubeconfig({ token: "t" }, {}, join(process.env["MILLWRIGHT_HOME"], "kubeconfig"));
        assert.match(await refusal(local), /no context millwright; it has test/);
      } finally {
        await rm(process.env["MILLWRIGHT_HOME"], { recursive: true, force: true });
        if (before === undefined) {
          delete process.env["MILLWRIGHT_HOME"];
        } else {
          process.env["MILLWRIGHT_HOME"] = before;
        }
      }
    });
  });
});
