import assert from "node:assert/strict";
import { labelsFor, selectorLabelsFor } from "../../../../components/core/labels.ts";
import { Database } from "../../../../components/platform/database/component.ts";
import { connectionsOf, databaseResources } from "../../../../components/platform/database/defaults.ts";
import {
  renderConnection,
  renderDataClaim,
  renderSecret,
  renderService,
  renderStatefulSet,
} from "../../../../components/platform/database/render.ts";
import type { DatabaseArgs } from "../../../../components/platform/database/types.ts";
import { validateDatabase } from "../../../../components/platform/database/validate.ts";
import { countByType, declare, find, type Registration, refusal } from "../../engine.ts";
import { restrictedProblems } from "../../pod-security.ts";

const args: DatabaseArgs = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  storage: { kind: "node", node: "worker", path: "/srv/artifacts", sizeGiB: 20 },
  image: "database@sha256:1",
  databases: ["optuna", "mlflow"],
  clients: 3,
};
const onClass: DatabaseArgs = { ...args, storage: { kind: "storageClass", storageClassName: "ssd", sizeGiB: 20 } };

const labels = labelsFor({ component: "database" });
const selector = selectorLabelsFor({ component: "database" });
const SECRET = "kubernetes:core/v1:Secret";
const STATEFUL_SET = "kubernetes:apps/v1:StatefulSet";

/** How the engine is told that a value is secret; it encrypts what is in it. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

function passwordOf(registrations: readonly Registration[]): string {
  const data = find(registrations, SECRET).inputs["data"] as Record<string, unknown>;
  assert.ok(SECRET_MARK in data, "the data is marked as secret as a whole");
  const { password } = data["value"] as { password: string };
  return Buffer.from(password, "base64").toString("utf8");
}

/** Everything the engine was asked for, but what is marked as secret. */
function inTheClear(registrations: readonly Registration[]): string {
  return JSON.stringify(registrations, (_key, value: unknown) =>
    typeof value === "object" && value !== null && SECRET_MARK in value ? "[secret]" : value,
  );
}

/** Not proven: that the server starts and takes the password over (entrypoint.service.test.ts), and what the engine keeps. */
describe("database", () => {
  it("is a Secret, an account, a server and its Service, in this order", async () => {
    const { registrations, result } = await declare(() => new Database("database", args));
    assert.deepEqual(countByType(registrations), {
      "millwright:platform:Database": 1,
      [SECRET]: 1,
      "kubernetes:core/v1:ServiceAccount": 1,
      "kubernetes:networking.k8s.io/v1:NetworkPolicy": 1,
      [STATEFUL_SET]: 1,
      "kubernetes:core/v1:Service": 1,
    });
    for (const { name, parent } of registrations.slice(1)) {
      assert.equal(parent, "database", name);
    }
    assert.deepEqual(find(registrations, STATEFUL_SET).dependencies, [
      "database-password-1",
      "database-account",
      "database-policy",
    ]);
    assert.deepEqual(find(registrations, "kubernetes:core/v1:Service").dependencies, ["database-server"]);
    assert.deepEqual(find(registrations, "millwright:platform:Database").inputs, {
      namespace: "models",
      storage: "node",
      databases: ["optuna", "mlflow"],
      clients: 3,
    });
    assert.deepEqual(result.connection, {
      host: "database",
      port: 5432,
      user: "millwright",
      secretName: "database-1",
      secretKey: "password",
    });
  });

  it("has a claim of its own where the cluster provisions volumes", async () => {
    const { registrations } = await declare(() => new Database("database", onClass));
    assert.equal(countByType(registrations)["kubernetes:core/v1:PersistentVolumeClaim"], 1);
    assert.ok(find(registrations, STATEFUL_SET).dependencies.includes("database-claim"));
    assert.deepEqual(renderDataClaim(onClass, "ssd"), {
      metadata: { name: "database", namespace: "models", labels },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "5Gi" } },
        storageClassName: "ssd",
      },
    });
  });

  describe("its password", () => {
    it("is drawn anew by every program, and the first one is kept", async () => {
      const [first, second] = [
        await declare(() => new Database("database", args)),
        await declare(() => new Database("database", args)),
      ].map(({ registrations }) => passwordOf(registrations));
      assert.match(first!, /^[A-Za-z0-9_-]{43}$/);
      assert.notEqual(first, second);
      const { registrations } = await declare(() => new Database("database", args));
      assert.deepEqual(find(registrations, SECRET).ignoreChanges, ["data"]);
    });

    it("is nowhere in the clear", async () => {
      const { registrations } = await declare(() => new Database("database", args));
      const password = passwordOf(registrations);
      const clear = inTheClear(registrations);
      assert.ok(!clear.includes(password));
      assert.ok(!clear.includes(Buffer.from(password).toString("base64")));
      assert.ok(clear.includes("[secret]"));
    });

    it("of another generation is another Secret to the engine, too, and the pod's template names it", async () => {
      const next = { ...args, passwordGeneration: 2 };
      const { registrations } = await declare(() => new Database("database", next));
      assert.equal(find(registrations, SECRET).name, "database-password-2");
      assert.equal(renderSecret(next, "x").metadata.name, "database-2");
      assert.equal(renderConnection(next).secretName, "database-2");
      const [, volume] = renderStatefulSet(next, "uid").spec.template.spec.volumes;
      assert.deepEqual(volume, {
        name: "password",
        secret: {
          secretName: "database-2",
          items: [{ key: "password", path: "password" }],
          defaultMode: 0o440,
        },
      });
    });

    it("of a Secret that was made anew restarts the server", () => {
      const template = (uid: string) => renderStatefulSet(args, uid).spec.template.metadata.annotations;
      assert.deepEqual(template("a"), { "millwright.dev/password-secret": "a" });
      assert.notDeepEqual(template("a"), template("b"));
    });

    it("is never changed in place", () => {
      assert.deepEqual(renderSecret(args, "cGFzcw=="), {
        metadata: { name: "database-1", namespace: "models", labels },
        type: "Opaque",
        immutable: true,
        data: { password: "cGFzcw==" },
      });
    });
  });

  describe("its server", () => {
    const { metadata, spec } = renderStatefulSet(args, "uid");
    const pod = spec.template.spec;
    const server = pod.containers[0]!;

    it("is one pod that is waited for", () => {
      const { template, ...rest } = spec;
      assert.deepEqual(rest, { replicas: 1, serviceName: "database", selector: { matchLabels: selector } });
      assert.deepEqual(template.metadata.labels, labels);
      assert.deepEqual(metadata, {
        name: "database",
        namespace: "models",
        labels,
        annotations: { "pulumi.com/timeoutSeconds": "480" },
      });
    });

    it("keeps the restricted standard, without a token and with a read-only root", () => {
      assert.deepEqual(restrictedProblems(pod), []);
      assert.equal(pod.automountServiceAccountToken, false);
      assert.equal(server.securityContext.readOnlyRootFilesystem, true);
    });

    it("is told its folder, its databases and the password's file", () => {
      assert.deepEqual(server.command, ["millwright-database"]);
      assert.deepEqual(Object.fromEntries(server.env.map(({ name, value }) => [name, value])), {
        HOME: "/tmp",
        MILLWRIGHT_DATABASES: "optuna mlflow",
        MILLWRIGHT_DATABASE_CONNECTIONS: "22",
        MILLWRIGHT_DATABASE_FOLDER: "/millwright/database",
        MILLWRIGHT_DATABASE_PASSWORD_FILE: "/millwright/secrets/database/password",
        MILLWRIGHT_DATABASE_PORT: "5432",
        MILLWRIGHT_DATABASE_USER: "millwright",
        TMPDIR: "/tmp",
      });
    });

    it("keeps its data in a folder of the artifact store's node, or in its own claim", () => {
      const data = ({ spec }: ReturnType<typeof renderStatefulSet>) => [
        spec.template.spec.volumes[0],
        spec.template.spec.containers[0]!.volumeMounts[0],
      ];
      assert.deepEqual(data(renderStatefulSet(args, "uid")), [
        { name: "data", persistentVolumeClaim: { claimName: "artifacts" } },
        { name: "data", mountPath: "/millwright/database", subPath: "database" },
      ]);
      assert.deepEqual(data(renderStatefulSet(onClass, "uid")), [
        { name: "data", persistentVolumeClaim: { claimName: "database" } },
        { name: "data", mountPath: "/millwright/database" },
      ]);
    });

    it("is asked whether it accepts connections, with time for what a crash left to do", () => {
      const exec = { command: ["pg_isready", "--quiet", "--host=127.0.0.1", "--port=5432"] };
      assert.deepEqual(server.startupProbe, { exec, periodSeconds: 2, failureThreshold: 150, timeoutSeconds: 5 });
      assert.deepEqual(server.readinessProbe, { exec, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 5 });
      assert.deepEqual(server.livenessProbe, { exec, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 });
      assert.equal(pod.terminationGracePeriodSeconds, 60);
    });

    it("has connections and memory for its clients, or what it is given", () => {
      assert.deepEqual([1, 100].map(connectionsOf), [14, 410]);
      assert.ok(databaseResources(100).memoryGiB > databaseResources(1).memoryGiB + 3);
      assert.equal(server.resources.limits.memory, "432Mi");
      const given = renderStatefulSet({ ...args, resources: { cpu: 2, memoryGiB: 4 } }, "uid");
      assert.deepEqual(given.spec.template.spec.containers[0]!.resources, {
        requests: { cpu: "2", memory: "4Gi" },
        limits: { cpu: "2", memory: "4Gi" },
      });
    });
  });

  it("is found under one name by whoever is in the namespace", () => {
    assert.deepEqual(renderService(args), {
      metadata: {
        name: "database",
        namespace: "models",
        labels,
        annotations: { "pulumi.com/timeoutSeconds": "60" },
      },
      spec: {
        type: "ClusterIP",
        selector,
        ports: [{ name: "postgresql", port: 5432, targetPort: "postgresql", protocol: "TCP" }],
      },
    });
  });

  it("refuses names and counts it cannot keep, all at once", async () => {
    const wrong = {
      ...args,
      databases: ["optuna", "Optuna", "optuna", "postgres", "pg_x", "a b"],
      clients: 0,
      passwordGeneration: 1.5,
    };
    assert.deepEqual(
      validateDatabase(wrong).map(({ path, value }) => [path, value]),
      [
        ["databases[1]", "Optuna"],
        ["databases[2]", "optuna"],
        ["databases[3]", "postgres"],
        ["databases[4]", "pg_x"],
        ["databases[5]", "a b"],
        ["clients", 0],
        ["passwordGeneration", 1.5],
      ],
    );
    assert.equal(validateDatabase({ ...args, databases: [] }).length, 1);
    const error = await refusal(() => new Database("database", wrong));
    assert.match(error.message, /^The database cannot be made:\n {2}clients: /);
  });
});
