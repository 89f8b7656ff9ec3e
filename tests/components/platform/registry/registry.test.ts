import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { output } from "@pulumi/pulumi";
import { labelsFor, selectorLabelsFor } from "../../../../components/core/labels.ts";
import { CONNECTIONS_A_CLIENT } from "../../../../components/platform/database/defaults.ts";
import { Registry } from "../../../../components/platform/registry/component.ts";
import { COPIED_FOLDERS, REGISTRY_CLIENTS, STORE_FOLDER } from "../../../../components/platform/registry/defaults.ts";
import { renderMirror, renderMirrorIdentity } from "../../../../components/platform/registry/mirror.ts";
import { renderServer, renderServerAccount, renderService } from "../../../../components/platform/registry/server.ts";
import type { RegistryArgs } from "../../../../components/platform/registry/types.ts";
import { artifactFolders } from "../../../../components/training/contract.ts";
import { validateStack } from "../../../../stacks/validate.ts";
import { CLUSTER_IP, countByType, declare, find, resolved } from "../../engine.ts";
import { stackOf } from "../../lifecycle/fixtures.ts";
import { restrictedProblems } from "../../pod-security.ts";

const args: RegistryArgs = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  image: "mlflow@sha256:1",
  database: { host: "database", port: 5432, user: "millwright", secretName: "database-3", secretKey: "password" },
};

/**
 * What is declared. It does not prove that the server starts and that the mirror fills it (workloads/tests/test_tracking.py
 * and test_mirror.py do, without a cluster), nor that the role is enough.
 */
describe("registry", () => {
  const server = renderServer(args, "10.96.0.9");
  const mirror = renderMirror(args);
  const [mlflow] = server.spec.template.spec.containers;
  const [copier] = mirror.spec.template.spec.containers;
  assert.ok(mlflow && copier);

  describe("server", () => {
    it("is one at a time, since each brings the tables up", () => {
      for (const { spec } of [server, mirror]) {
        assert.deepEqual([spec.replicas, spec.strategy], [1, { type: "Recreate" }]);
      }
    });

    it("has the password as a file, and in no variable", () => {
      const variables = Object.fromEntries(mlflow.env.map(({ name, value }) => [name, value]));
      assert.equal(variables["MILLWRIGHT_DATABASE_PASSWORD_FILE"], "/millwright/secrets/database/password");
      assert.ok(mlflow.env.every((variable) => !("valueFrom" in variable)));
      const volume = server.spec.template.spec.volumes.find(({ name }) => name === "password");
      assert.deepEqual(volume?.secret, {
        secretName: "database-3",
        items: [{ key: "password", path: "password" }],
        defaultMode: 0o440,
      });
      const place = server.spec.template.spec.volumes.find(({ name }) => name === "private");
      assert.equal(place?.emptyDir?.medium, "Memory");
    });

    it("is told of the database", () => {
      const variables = Object.fromEntries(mlflow.env.map(({ name, value }) => [name, value]));
      for (const [name, value] of Object.entries({
        HOST: "database",
        PORT: "5432",
        USER: "millwright",
        NAME: "mlflow",
      })) {
        assert.equal(variables[`MILLWRIGHT_DATABASE_${name}`], value);
      }
    });

    it("answers under its own names alone", async () => {
      const value = async (wanted: string) =>
        await resolved(output(mlflow.env.find(({ name }) => name === wanted)?.value ?? ""));
      assert.deepEqual((await value("MLFLOW_SERVER_ALLOWED_HOSTS")).split(","), [
        "mlflow:5000",
        "mlflow.models:5000",
        "mlflow.models.svc:5000",
        "mlflow.models.svc.cluster.local:5000",
        "10.96.0.9:5000",
        "localhost",
        "localhost:*",
        "127.0.0.1:*",
      ]);
      const origins = (await value("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS")).split(",");
      assert.ok(origins.includes("http://10.96.0.9:5000"));
      assert.ok(origins.every((origin) => /^http:\/\/[^*]+:5000$/.test(origin)));
    });

    it("is probed by what reads its database, under a name it answers to", () => {
      for (const probe of [mlflow.startupProbe, mlflow.readinessProbe, mlflow.livenessProbe]) {
        assert.match(probe.httpGet.path, /^\/api\/2\.0\/mlflow\/experiments\/get\?/);
        assert.deepEqual(probe.httpGet.httpHeaders, [{ name: "Host", value: "localhost" }]);
      }
    });

    it("writes its own folder of the artifact store and no other", () => {
      const mounts = mlflow.volumeMounts.filter(({ name }) => name === "artifacts");
      assert.deepEqual(mounts, [{ name: "artifacts", mountPath: "/millwright/mlflow", subPath: "mlflow" }]);
    });
  });

  describe("server with a bucket", () => {
    const { containers, volumes } = renderServer({ ...args, bucket: "s3://artifacts/mlflow" }, "10.96.0.9").spec
      .template.spec;

    it("keeps nothing in the artifact store", () => {
      const env = Object.fromEntries(containers[0]?.env.map(({ name, value }) => [name, value]) ?? []);
      assert.equal(env["MILLWRIGHT_ARTIFACTS"], "s3://artifacts/mlflow");
      assert.ok(volumes.every(({ name }) => name !== "artifacts"));
      assert.ok(containers[0]?.volumeMounts.every(({ name }) => name !== "artifacts"));
    });
  });

  describe("mirror", () => {
    it("may see ConfigMaps and nothing else, and alone has a token", () => {
      const { role, binding, serviceAccount } = renderMirrorIdentity(args);
      assert.deepEqual(role.rules, [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }]);
      assert.deepEqual(binding.subjects, [{ kind: "ServiceAccount", name: "mlflow-mirror", namespace: "models" }]);
      assert.equal(binding.roleRef.name, role.metadata.name);
      assert.equal(serviceAccount.automountServiceAccountToken, false);
      assert.equal(renderServerAccount(args).automountServiceAccountToken, false);
      assert.ok(copier.volumeMounts.some(({ name }) => name === "token"));
      assert.ok(!mlflow.volumeMounts.some(({ name }) => name === "token"));
    });

    it("reads the artifacts of every kind of run but raw data, where records say they are", () => {
      const mounts = copier.volumeMounts.filter(({ name }) => name === "artifacts");
      assert.deepEqual(
        mounts.map((mount) => ("readOnly" in mount ? mount.readOnly : false)),
        mounts.map(() => true),
      );
      const { dataset, checkpoints, ...copied } = artifactFolders;
      const tops = Object.values(copied).map((folder) => folder("run").split("/")[0]);
      assert.deepEqual(tops.sort(), [...COPIED_FOLDERS].sort());
      for (const folder of COPIED_FOLDERS) {
        assert.ok(
          mounts.some((mount) => mount.mountPath === `${STORE_FOLDER}/${folder}`),
          folder,
        );
      }
    });

    it("holds nothing up", () => {
      assert.equal(mirror.metadata.annotations["pulumi.com/skipAwait"], "true");
    });
  });

  it("keeps the restricted standard, with requests and limits", () => {
    for (const { spec } of [server.spec.template, mirror.spec.template]) {
      assert.deepEqual(restrictedProblems(spec), []);
      assert.equal(spec.automountServiceAccountToken, false);
      for (const { resources, securityContext } of spec.containers) {
        assert.ok(resources.requests.cpu && resources.limits.memory);
        assert.equal(securityContext.readOnlyRootFilesystem, true);
      }
    }
  });

  it("labels the server and the mirror apart", () => {
    const parts = [
      ["tracking", server],
      ["mirror", mirror],
    ] as const;
    for (const [component, { metadata, spec }] of parts) {
      assert.deepEqual(metadata.labels, labelsFor({ component }));
      assert.deepEqual(spec.template.metadata.labels, labelsFor({ component }));
      assert.deepEqual(spec.selector.matchLabels, selectorLabelsFor({ component }));
    }
    assert.deepEqual(renderService(args).spec.selector, selectorLabelsFor({ component: "tracking" }));
  });

  it("declares the Service first, since the server is told its address, and the mirror last", async () => {
    const { result, registrations } = await declare(() => new Registry("registry", args));
    assert.deepEqual(countByType(registrations), {
      "millwright:platform:Registry": 1,
      "kubernetes:apps/v1:Deployment": 2,
      "kubernetes:core/v1:Service": 1,
      "kubernetes:core/v1:ServiceAccount": 2,
      "kubernetes:networking.k8s.io/v1:NetworkPolicy": 1,
      "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
    });
    const declared = find(registrations, "kubernetes:apps/v1:Deployment", "registry-server");
    assert.deepEqual([...declared.dependencies].sort(), ["registry-account", "registry-policy", "registry-service"]);
    const following = find(registrations, "kubernetes:apps/v1:Deployment", "registry-mirror");
    assert.deepEqual([...following.dependencies].sort(), ["registry-mirror-binding", "registry-server"]);
    assert.ok(JSON.stringify(declared.inputs).includes(`http://${CLUSTER_IP}:5000`));
    assert.equal(await resolved(result.url), `http://${CLUSTER_IP}:5000`);
    assert.ok(registrations.every(({ name, parent }) => name === "registry" || parent === "registry"));
  });

  it("keeps within the connections the database plans for it", () => {
    const settings = readFileSync(
      new URL("../../../../workloads/mlflow/millwright_tracking/__main__.py", import.meta.url),
      "utf8",
    );
    const size = (name: string) => Number(new RegExp(`"MLFLOW_SQLALCHEMYSTORE_${name}": "(\\d+)"`).exec(settings)?.[1]);
    const pools = 2;
    assert.equal(pools * (size("POOL_SIZE") + size("MAX_OVERFLOW")), REGISTRY_CLIENTS * CONNECTIONS_A_CLIENT);
  });
});

describe("platform.tracking", () => {
  const { name: _, content: __, ...spec } = stackOf("mail-triage");
  const judged = (tracking: unknown) => validateStack({ ...spec, platform: { ...spec.platform, tracking } });

  it("is nothing unless it is asked for", () => {
    assert.equal(stackOf("mail-triage").platform.tracking, undefined);
  });

  it("is MLflow, and nothing else", () => {
    const right = judged({ kind: "mlflow" });
    assert.ok("spec" in right);
    assert.deepEqual(right.spec.platform.tracking, { kind: "mlflow" });
    const wrong = judged({ kind: "wandb" });
    assert.ok("problems" in wrong);
    assert.match(JSON.stringify(wrong.problems), /platform\.tracking\.kind/);
  });
});
