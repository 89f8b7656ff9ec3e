import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseServer } from "./server.ts";

const FIRST = "first-password-0123456789_abcdefghijklmnopqr";
const SECOND = "second-password-0123456789_abcdefghijklmnop";

/**
 * The image's start program with a real PostgreSQL, as an unprivileged user.
 *
 * Not proven: the image, the read-only root file system, and what Kubernetes makes of a volume; the integration suite
 * does.
 */
describe("database server", function () {
  this.timeout(60_000);
  let server: DatabaseServer;
  before(async () => {
    server = await DatabaseServer.prepare();
    server.writePassword(FIRST);
  });
  after(async () => await server.remove());

  it("ends on a signal while it makes its data, and keeps no half of them", async () => {
    server.launch();
    await server.printed("The files belonging to this database system");
    const { code, output } = await server.stop();
    assert.equal(code, 143, output);
    assert.ok(!existsSync(join(server.folder, "data")));
  });

  it("makes its data, the role and every database on the first start", async () => {
    await server.start({ MILLWRIGHT_DATABASES: "optuna mlflow" });
    for (const database of ["optuna", "mlflow"]) {
      const login = { password: FIRST, database };
      assert.equal(await server.query("SELECT current_user, current_database()", login), `millwright|${database}`);
    }
    await server.query("CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)", { password: FIRST });
    assert.equal(await server.query("SHOW max_connections", { password: FIRST }), "20");
    assert.equal(await server.query("SHOW data_checksums", { password: FIRST }), "on");
    assert.deepEqual(readdirSync(server.folder).sort(), ["data", "lock"]);
  });

  it("lets nobody in without a password, and no superuser at all", async () => {
    for (const login of [
      { password: "" },
      { password: SECOND },
      { password: FIRST, user: "postgres" },
      { password: "", user: "postgres", database: "postgres" },
    ]) {
      await assert.rejects(server.query("SELECT 1", login), /password authentication failed|no password supplied/);
    }
    const role = await server.query("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'millwright'", {
      password: FIRST,
    });
    assert.equal(role, "f|f");
  });

  it("leaves data that another server is on alone", async () => {
    const other = await server.beside();
    other.launch({ MILLWRIGHT_DATABASE_LOCK_SECONDS: "1" });
    const { code, output } = await other.ended();
    assert.equal(code, 75);
    assert.match(output, /another server has .* locked/);
    assert.equal(await server.query("SELECT value FROM kept", { password: FIRST }), "42");
  });

  it("cuts its clients off and ends well on SIGTERM", async () => {
    const client = server.client("SELECT pg_sleep(600)", { password: FIRST });
    const lost = once(client, "exit");
    while ((await server.query(SLEEPERS, { password: FIRST })) !== "1");
    const { code, output } = await server.stop();
    assert.equal(code, 0, output);
    assert.match(output, /received fast shutdown request/);
    assert.match(output, /database system is shut down/);
    assert.notEqual((await lost)[0], 0);
    assert.ok(!existsSync(join(server.folder, "data/postmaster.pid")));
  });

  it("keeps its data at the next start, and takes over a new password and a new database", async () => {
    server.writePassword(`${SECOND}\n`);
    // As a volume's fsGroup leaves it.
    chmodSync(join(server.folder, "data"), 0o2770);
    await server.start({ MILLWRIGHT_DATABASES: "optuna mlflow later" });
    assert.equal(statSync(join(server.folder, "data")).mode & 0o777, 0o700);
    assert.equal(await server.query("SELECT value FROM kept", { password: SECOND }), "42");
    assert.equal(await server.query("SELECT current_database()", { password: SECOND, database: "later" }), "later");
    await assert.rejects(server.query("SELECT 1", { password: FIRST }), /password authentication failed/);
  });

  it("goes on after it was killed, with what was committed", async () => {
    await server.query("INSERT INTO kept VALUES (43)", { password: SECOND });
    assert.equal((await server.kill()).code, 137);
    await server.start();
    assert.equal(await server.query("SELECT sum(value) FROM kept", { password: SECOND }), "85");
    const { output } = await server.stop();
    assert.match(output, /automatic recovery in progress/);
  });

  it("never shows the password", async () => {
    await server.start();
    const { output } = await server.stop();
    assert.match(output, /ready to accept connections/);
    assert.ok(!output.includes(SECOND));
  });

  it("names everything that is wrong with its environment at once, and ends with 64", async () => {
    server.writePassword("short");
    server.launch({
      MILLWRIGHT_DATABASES: 'optuna bad"name postgres',
      MILLWRIGHT_DATABASE_CONNECTIONS: "many",
      MILLWRIGHT_DATABASE_FOLDER: "/nowhere",
      MILLWRIGHT_DATABASE_PORT: "65536",
      MILLWRIGHT_DATABASE_USER: "pg_owner",
    });
    const { code, output } = await server.ended();
    assert.equal(code, 64);
    for (const expected of [
      /MILLWRIGHT_DATABASES is "bad"name", must be/,
      /MILLWRIGHT_DATABASES is "postgres", a name PostgreSQL uses itself/,
      /MILLWRIGHT_DATABASE_CONNECTIONS is "many", must be a whole number from 1 to 10000/,
      /MILLWRIGHT_DATABASE_FOLDER is "\/nowhere", must be a folder that \d+ can write/,
      /MILLWRIGHT_DATABASE_PORT is 65536, must be a whole number from 1 to 65535/,
      /MILLWRIGHT_DATABASE_USER is "pg_owner", a name PostgreSQL uses itself/,
      /has 5 characters, must have at least 16/,
    ]) {
      assert.match(output, expected);
    }
  });

  for (const [what, password, expected] of [
    ["a quote", "'; DROP ROLE millwright; -- and more", /must be of A-Z, a-z, 0-9, '_' and '-' alone/],
    ["a second line", `${SECOND}\n${FIRST}`, /must be of A-Z/],
    ["nothing", "", /has 0 characters/],
  ] as const) {
    it(`refuses a password of ${what}, without showing it`, async () => {
      server.writePassword(password);
      server.launch();
      const { code, output } = await server.ended();
      assert.equal(code, 64);
      assert.match(output, expected);
      assert.ok(password === "" || !output.includes(password));
    });
  }
});

const SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
