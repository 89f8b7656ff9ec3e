import assert from "node:assert/strict";
import { KEPT_QUEUE_LABELS } from "../../components/compute/scheduling/queue.ts";
import { Datacenter } from "../../components/datacenter.ts";
import type { Observations } from "../../components/lifecycle/types.ts";
import { compressionSchema, databaseSchema, type ModelSpec, type Stack, searchSchema } from "../../stacks/schema.ts";
import { CLUSTER_IP, countByType, DIGEST, declare, find, type Registration, resolved } from "./engine.ts";
import {
  DATASET_RUN,
  lifeOf,
  MODEL,
  OBSERVED,
  planOf,
  ROLLOUT_RUN,
  STACK,
  TRAINING_RUN,
  withReplicas,
} from "./fixtures.ts";

const IMAGE = "docker:index/image:Image";
const JOB = "kubernetes:batch/v1:Job";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const SERVICE = "kubernetes:core/v1:Service";
const POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

const ALWAYS = {
  "millwright:datacenter:Datacenter": 1,
  "millwright:platform:Platform": 1,
  "kubernetes:core/v1:Namespace": 1,
  [POLICY]: 1,
  "kubernetes:core/v1:PersistentVolume": 1,
  "kubernetes:core/v1:PersistentVolumeClaim": 1,
  "millwright:platform:WorkloadImage": 4,
  [IMAGE]: 4,
  "millwright:training:RunIdentity": 1,
  "kubernetes:core/v1:ServiceAccount": 1,
  "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
};

const TRAINING = {
  ...ALWAYS,
  "millwright:training:TrainingJob": 1,
  "kubernetes:core/v1:ConfigMap": 1,
  [POLICY]: 2,
  [SERVICE]: 1,
  [JOB]: 1,
};

/** A version that answers, and the router before it. */
const ENDPOINT = {
  ...ALWAYS,
  "kubernetes:core/v1:ServiceAccount": 2,
  "millwright:serving:Endpoint": 1,
  [DEPLOYMENT]: 2,
  [POLICY]: 3,
  [SERVICE]: 3,
};

function declareDatacenter(observations: Observations, stack: Stack = STACK, preview = false) {
  const plan = planOf(observations, stack);
  return declare(() => new Datacenter("test", { plan, repositoryRoot: "/repository" }), { preview });
}

function member(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], value);
}

describe("datacenter", () => {
  it("declares the platform, the images and a dataset run where nothing has been observed", async () => {
    const { registrations, result } = await declareDatacenter(OBSERVED.nothing);
    assert.deepEqual(countByType(registrations), {
      ...ALWAYS,
      "millwright:platform:WorkloadImage": 5,
      [IMAGE]: 5,
      "millwright:training:DatasetJob": 1,
      "kubernetes:core/v1:ConfigMap": 1,
      [JOB]: 1,
    });
    assert.deepEqual(result.stages, { "mail-triage": "dataset" });
    assert.deepEqual(result.endpoints, {});

    const job = find(registrations, JOB);
    assert.equal(member(job.inputs, "metadata", "name"), DATASET_RUN.name);
    const containers = member(job.inputs, "spec", "template", "spec", "containers");
    assert.equal(member(containers, 0, "image"), `127.0.0.1:5000/millwright/source-mail-triage@sha256:${DIGEST}`);
    assert.equal(member(containers, 1, "image"), `127.0.0.1:5000/millwright/recorder@sha256:${DIGEST}`);
  });

  it("builds the source image from the trainer, with the data as context", async () => {
    const { registrations } = await declareDatacenter(OBSERVED.nothing);
    const { inputs } = find(registrations, IMAGE, "source-mail-triage-image");
    assert.deepEqual(member(inputs, "build"), {
      context: "node_modules/@example/mails/data",
      dockerfile: "workloads/source/Dockerfile",
      args: { TRAINER: `127.0.0.1:5000/millwright/trainer@sha256:${DIGEST}` },
      builderVersion: "BuilderV1",
    });
  });

  it("declares a training run with its group's Service when the dataset is done", async () => {
    const { registrations, result } = await declareDatacenter(OBSERVED.dataset);
    assert.deepEqual(countByType(registrations), TRAINING);
    assert.deepEqual(result.stages, { "mail-triage": "training" });
    assert.equal(find(registrations, "millwright:training:TrainingJob").name, TRAINING_RUN.name);
  });

  it("declares the endpoint of a first version, and its judge, when the training is done", async () => {
    const { registrations, result } = await declareDatacenter(OBSERVED.training);
    assert.deepEqual(countByType(registrations), {
      ...ENDPOINT,
      "millwright:training:RolloutJob": 1,
      "kubernetes:core/v1:ConfigMap": 2,
      [JOB]: 1,
    });
    assert.deepEqual(result.stages, { "mail-triage": "canary" });
    const judge = find(registrations, JOB);
    assert.equal(member(judge.inputs, "metadata", "name"), ROLLOUT_RUN.name);
    const env = member(judge.inputs, "spec", "template", "spec", "containers", 0, "env") as {
      name: string;
      value: string;
    }[];
    const value = (name: string) => env.find((each) => each.name === name)?.value;
    const host = "millwright.svc.cluster.local";
    assert.equal(value("MILLWRIGHT_CANDIDATE_URL"), `http://${TRAINING_RUN.name}.${host}:8080`);
    assert.equal(value("MILLWRIGHT_STABLE_URL"), undefined);
    assert.match(value("MILLWRIGHT_ROUTER_METRICS") ?? "", /^http:\/\/mail-triage-metrics-.*:8404\/metrics$/);
  });

  it("starts the judge when what it judges answers", async () => {
    const { registrations } = await declareDatacenter(OBSERVED.training);
    const waitsFor = find(registrations, "millwright:training:RolloutJob").dependencies;
    assert.ok(waitsFor.includes("mail-triage-router"), waitsFor.join(", "));
  });

  it("declares the endpoint, and no run, when the version is promoted", async () => {
    const { registrations, result } = await declareDatacenter(OBSERVED.promoted);
    assert.deepEqual(countByType(registrations), { ...ENDPOINT, "kubernetes:core/v1:ConfigMap": 1 });
    assert.deepEqual(result.stages, { "mail-triage": "stable" });
    assert.equal(await resolved(result.endpoints["mail-triage"]!), `http://${CLUSTER_IP}:8080`);
  });

  it("declares a version's pods alike on trial and after its promotion: no server is restarted", async () => {
    // One after the other: the engine's mocks are the process's own.
    const trial = await declareDatacenter(OBSERVED.training);
    const after = await declareDatacenter(OBSERVED.promoted);
    const servers = ({ registrations }: typeof trial) =>
      find(registrations, DEPLOYMENT, `${TRAINING_RUN.name}-deployment`);
    assert.deepEqual(servers(trial).inputs["spec"], servers(after).inputs["spec"]);
  });

  it("declares a database where a model is searched, and the search with it", async () => {
    const space = [{ kind: "float" as const, name: "learningRate", low: 0.001, high: 0.1, log: true, when: undefined }];
    const search = searchSchema.parse({ trials: 4, workers: 2, space });
    const stack: Stack = { ...STACK, models: [{ ...MODEL, search }] };
    const { registrations, result } = await declareDatacenter(OBSERVED.dataset, stack);
    const counts = countByType(registrations);
    assert.equal(counts["millwright:platform:Database"], 1);
    assert.equal(counts["kubernetes:apps/v1:StatefulSet"], 1);
    assert.equal(counts["millwright:training:SearchJob"], 1);
    assert.deepEqual(result.stages, { "mail-triage": "search" });
  });

  it("makes a new password where the stack asks for another generation", async () => {
    const platform = { ...STACK.platform, tracking: { kind: "mlflow" as const } };
    const names = async (database: unknown) => {
      const stack: Stack = { ...STACK, platform: { ...platform, database: databaseSchema.parse(database) } };
      const { registrations } = await declareDatacenter(OBSERVED.dataset, stack);
      return find(registrations, "kubernetes:core/v1:Secret").name;
    };
    assert.equal(await names(undefined), "database-password-1");
    assert.equal(await names({ kind: "inNamespace", passwordGeneration: 2 }), "database-password-2");
  });

  it("declares no server where the database is somebody else's, and tells its users of that one", async () => {
    const space = [{ kind: "float" as const, name: "learningRate", low: 0.001, high: 0.1, log: true, when: undefined }];
    const search = searchSchema.parse({ trials: 4, workers: 2, space });
    const database = databaseSchema.parse({ kind: "external", host: "db.example.com", secretName: "rds" });
    const platform = { ...STACK.platform, database, tracking: { kind: "mlflow" as const } };
    const stack: Stack = { ...STACK, platform, models: [{ ...MODEL, search }] };
    const { registrations } = await declareDatacenter(OBSERVED.dataset, stack);
    const counts = countByType(registrations);
    assert.equal(counts["kubernetes:apps/v1:StatefulSet"], undefined);
    assert.equal(counts["millwright:platform:ExternalDatabase"], 1);
    const users = registrations.filter(({ inputs }) => JSON.stringify(inputs).includes('"db.example.com"'));
    assert.deepEqual(users.map(({ type }) => type).sort(), [
      DEPLOYMENT,
      JOB,
      JOB,
      "millwright:platform:ExternalDatabase",
      "millwright:platform:Registry",
    ]);
    for (const { inputs } of users.filter(({ type }) => [DEPLOYMENT, JOB].includes(type))) {
      assert.match(JSON.stringify(inputs), /"PGSSLMODE","value":"require"/);
    }
  });

  it("declares every compression candidate as a run of its own", async () => {
    const candidates = ["a", "b"].map((name, at) => ({
      name,
      steps: [{ kind: "quantize", method: at === 0 ? "dynamic" : "static" }],
    }));
    const stack: Stack = { ...STACK, models: [{ ...MODEL, compression: compressionSchema.parse({ candidates }) }] };
    const { registrations, result } = await declareDatacenter(OBSERVED.training, stack);
    assert.equal(countByType(registrations)["millwright:training:CompressionJob"], 2);
    assert.deepEqual(result.stages, { "mail-triage": "compression" });
  });

  it("builds the image that a model names, and trains and compresses with it alone", async () => {
    const candidates = [{ name: "a", steps: [{ kind: "quantize" }] }];
    const model: ModelSpec = {
      ...MODEL,
      workload: { kind: "image", context: "workloads/other", compresses: true },
      compression: compressionSchema.parse({ candidates }),
    };
    const workloads = { "mail-triage": "b".repeat(64) };
    const stack: Stack = { ...STACK, models: [model], content: { ...STACK.content, workloads } };
    const images: Record<string, unknown> = {};
    for (const observations of lifeOf(stack)) {
      const { registrations } = await declareDatacenter(observations, stack);
      const { inputs } = find(registrations, IMAGE, "workload-mail-triage-image");
      assert.deepEqual(inputs["build"], {
        context: "workloads/other",
        dockerfile: "workloads/other/Dockerfile",
        args: { BASE_IMAGE: stack.platform.baseImage },
        builderVersion: "BuilderV1",
      });
      assert.equal(inputs["imageName"], `${stack.platform.registry}/workload-mail-triage:${"b".repeat(12)}`);
      for (const job of registrations.filter(({ type }) => type === JOB)) {
        const stage = member(job.inputs, "metadata", "labels", "app.kubernetes.io/component") as string;
        images[stage] = member(job.inputs, "spec", "template", "spec", "containers", 0, "image");
      }
    }
    const of = (image: string) => `127.0.0.1:5000/millwright/${image}@sha256:${DIGEST}`;
    assert.deepEqual(images, {
      dataset: of("source-mail-triage"),
      training: of("workload-mail-triage"),
      compression: of("workload-mail-triage"),
      rollout: of("trainer"),
    });
  });

  it("keeps a failed run declared, so that its logs stay", async () => {
    const { registrations, result } = await declareDatacenter(OBSERVED.trainingFailed);
    assert.deepEqual(countByType(registrations), TRAINING);
    assert.deepEqual(result.stages, { "mail-triage": "failed" });
  });

  it("serves the previous version while a new one trains", async () => {
    const changed = { ...STACK, content: { ...STACK.content, sources: { "mail-triage": "9".repeat(64) } } };
    const { registrations } = await declareDatacenter(OBSERVED.promoted, changed);
    const counts = countByType(registrations);
    assert.equal(counts["millwright:serving:Endpoint"], 1);
    assert.equal(counts["millwright:training:DatasetJob"], 1);
  });

  it("guards an endpoint of several servers with a budget", async () => {
    const { registrations } = await declareDatacenter(OBSERVED.promoted, withReplicas(3));
    find(registrations, "kubernetes:policy/v1:PodDisruptionBudget", `${TRAINING_RUN.name}-budget`);
    const servers = find(registrations, DEPLOYMENT, `${TRAINING_RUN.name}-deployment`);
    assert.equal(member(servers.inputs, "spec", "replicas"), 3);
  });

  it("never edits the Job or the spec of a run under way", async () => {
    const { registrations } = await declareDatacenter(OBSERVED.dataset);
    assert.deepEqual(find(registrations, JOB).ignoreChanges, ["spec", ...KEPT_QUEUE_LABELS]);
    assert.deepEqual(find(registrations, "kubernetes:core/v1:ConfigMap").ignoreChanges, ["data"]);
  });

  it("knows at preview everything but what images and the cluster decide", async () => {
    const { registrations } = await declareDatacenter(OBSERVED.nothing, STACK, true);
    const job = find(registrations, JOB);
    const container = member(job.inputs, "spec", "template", "spec", "containers", 0) as Record<string, unknown>;
    assert.equal(container["name"], "workload");
    assert.notEqual(container["resources"], undefined);
    assert.doesNotMatch(String(container["image"]), /sha256/);
  });

  for (const [point, observations] of Object.entries(OBSERVED)) {
    describe(`at the point "${point}"`, () => {
      let registrations: readonly Registration[];
      before(async () => {
        ({ registrations } = await declareDatacenter(observations, withReplicas(2)));
      });

      it("gives every object its labels, and every pod template its owner's", () => {
        const objects = registrations.filter(({ type }) => type.startsWith("kubernetes:"));
        assert.ok(objects.length > 5);
        for (const { name, inputs } of objects) {
          assertLabels(name, member(inputs, "metadata", "labels") as Record<string, string>);
          const spec = inputs["spec"] as Record<string, unknown> | undefined;
          if (spec?.["template"] !== undefined) {
            assertLabels(`${name}'s pods`, member(spec, "template", "metadata", "labels") as Record<string, string>);
          }
        }
      });

      it("parents every resource to a component, and every component to the datacenter", () => {
        for (const { name, type, parent } of registrations) {
          const expected = type === "millwright:datacenter:Datacenter" ? undefined : "test";
          if (type.startsWith("millwright:")) {
            assert.equal(parent, expected, name);
          } else {
            assert.ok(parent !== undefined && name.startsWith(`${parent}-`), `${name} below ${parent}`);
          }
        }
      });

      it("makes everything in the namespace after the namespace", () => {
        const inNamespace = registrations.filter(
          ({ inputs, type }) =>
            type.startsWith("kubernetes:") &&
            (inputs["metadata"] as Record<string, unknown>)["namespace"] !== undefined,
        );
        assert.ok(inNamespace.length > 3);
        for (const { name, parent, dependencies } of inNamespace) {
          const waitsFor = [...dependencies, ...registrations.find((each) => each.name === parent)!.dependencies];
          assert.ok(waitsFor.includes("platform-namespace"), `${name} waits for ${waitsFor.join(", ")}`);
        }
      });

      it("holds no secret", () => {
        assert.ok(registrations.every(({ type }) => type !== "kubernetes:core/v1:Secret"));
        const text = JSON.stringify(registrations);
        assert.doesNotMatch(text, /BEGIN [A-Z ]*PRIVATE KEY|client-key|password|"stringData"|secretKeyRef/i);
      });
    });
  }
});

function assertLabels(what: string, labels: Record<string, string> | undefined): void {
  assert.equal(labels?.["app.kubernetes.io/part-of"], "millwright", what);
  assert.equal(labels["app.kubernetes.io/managed-by"], "pulumi", what);
  assert.ok(labels["app.kubernetes.io/name"], what);
  assert.ok(labels["app.kubernetes.io/component"], what);
}
