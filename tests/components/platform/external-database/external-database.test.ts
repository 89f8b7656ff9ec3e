import assert from "node:assert/strict";
import { output } from "@pulumi/pulumi";
import { ExternalDatabase } from "../../../../components/platform/external-database/component.ts";
import { renderSetup, setupName } from "../../../../components/platform/external-database/render.ts";
import type { ExternalDatabaseArgs } from "../../../../components/platform/external-database/types.ts";
import { countByType, declare, find, refusal } from "../../engine.ts";
import { restrictedProblems } from "../../pod-security.ts";

const args: ExternalDatabaseArgs = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  image: "database@sha256:1",
  databases: ["optuna", "mlflow"],
  connection: {
    host: "db.example.com",
    port: 5432,
    user: "millwright",
    secretName: "rds",
    secretKey: "password",
    sslMode: "require",
  },
};

/** Not proven: that databases are made; databases.service.test.ts shows it on a real server. */
describe("an external database", () => {
  it("is one Job that sees that the databases are there", async () => {
    const { registrations, result } = await declare(() => new ExternalDatabase("database", args));
    assert.deepEqual(countByType(registrations), {
      "millwright:platform:ExternalDatabase": 1,
      "kubernetes:batch/v1:Job": 1,
    });
    assert.deepEqual(result.connection, args.connection);
  });

  it("has the Secret of a password it is given, before the Job", async () => {
    const password = output("s3cret");
    const { registrations } = await declare(() => new ExternalDatabase("database", { ...args, password }));
    assert.deepEqual(find(registrations, "kubernetes:batch/v1:Job").dependencies, ["database-password"]);
    const { stringData, metadata } = find(registrations, "kubernetes:core/v1:Secret").inputs as {
      stringData: Record<string, unknown>;
      metadata: { name: string };
    };
    assert.equal(metadata.name, "rds");
    assert.ok("4dabf18193072939515e22adb298388d" in (stringData as object), "the data is marked as secret");
  });

  it("has another Job for another server or list, and the same for the same list in another order", () => {
    assert.equal(setupName(args), setupName({ ...args, databases: ["mlflow", "optuna"] }));
    assert.notEqual(setupName(args), setupName({ ...args, databases: ["optuna"] }));
    const elsewhere = { ...args, connection: { ...args.connection, host: "other.example.com" } };
    assert.notEqual(setupName(args), setupName(elsewhere));
  });

  it("keeps the restricted pod security standard, and asks for TLS", () => {
    const { template } = renderSetup(args).spec;
    assert.deepEqual(restrictedProblems(template.spec), []);
    const env = Object.fromEntries(template.spec.containers[0]?.env.map(({ name, value }) => [name, value]) ?? []);
    assert.equal(env["PGSSLMODE"], "require");
    assert.ok(!JSON.stringify(template).includes("s3cret"));
  });

  it("refuses names that PostgreSQL uses itself", async () => {
    const { message } = await refusal(() => new ExternalDatabase("database", { ...args, databases: ["postgres"] }));
    assert.match(message, /databases\[0\]: must be a name that the server does not use itself/);
  });
});
