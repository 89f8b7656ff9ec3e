import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../../../../scripts/lib/port.ts";

const PROGRAM = resolve(import.meta.dirname, "../../../../workloads/database/millwright-databases");
const PROGRAMS = "/usr/lib/postgresql/15/bin";
const PASSWORD = "a-password-with ' quotes\\and \"more";
/** Debian's `nobody`: PostgreSQL does not run as root. */
const NOBODY = 65534;

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Not proven: TLS, which a server of RDS asks for; and the pod's mounts. */
describe("databases on somebody else's PostgreSQL", function () {
  this.timeout(60_000);
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  let root: string;
  let port: number;
  let server: ChildProcess;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "millwright-external-"));
    chmodSync(root, 0o755);
    if (user.uid !== undefined) {
      chownSync(root, user.uid, user.gid);
    }
    writeFileSync(join(root, "password"), PASSWORD);
    const data = join(root, "data");
    const made = [`--pgdata=${data}`, "--username=admin", `--pwfile=${join(root, "password")}`];
    await promisify(execFile)(join(PROGRAMS, "initdb"), [...made, "--auth=scram-sha-256", "--encoding=UTF8"], {
      ...user,
      cwd: root,
    });
    port = await freePort();
    server = spawn(join(PROGRAMS, "postgres"), ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", root], {
      ...user,
      cwd: root,
      stdio: "ignore",
    });
    while ((await run(join(PROGRAMS, "pg_isready"), ["--quiet", "--host=127.0.0.1", `--port=${port}`])).code !== 0) {
      assert.equal(server.exitCode, null, "the server ended");
      await pause(50);
    }
  });

  after(async () => {
    if (server?.exitCode === null) {
      server.kill("SIGINT");
      await once(server, "close");
    }
    rmSync(root, { recursive: true, force: true });
  });

  async function run(file: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
    const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      output += String(chunk);
    });
    const [code] = (await once(child, "close")) as [number];
    return { code, output };
  }

  function setUp(changes: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return run(PROGRAM, [], {
      PATH: `${PROGRAMS}:/usr/bin:/bin`,
      MILLWRIGHT_DATABASES: "optuna mlflow",
      MILLWRIGHT_DATABASE_HOST: "127.0.0.1",
      MILLWRIGHT_DATABASE_PORT: String(port),
      MILLWRIGHT_DATABASE_USER: "admin",
      MILLWRIGHT_DATABASE_PASSWORD_FILE: join(root, "password"),
      ...changes,
    });
  }

  async function query(database: string, statement: string): Promise<string> {
    const args = ["--host=127.0.0.1", `--port=${port}`, "--username=admin", `--dbname=${database}`];
    const { stdout } = await promisify(execFile)(
      join(PROGRAMS, "psql"),
      [...args, "--no-psqlrc", "--tuples-only", "--no-align", `--command=${statement}`],
      { env: { PGPASSWORD: PASSWORD } },
    );
    return stdout.trim();
  }

  it("are made once, and keep what is in them", async () => {
    const first = await setUp();
    assert.deepEqual(first, { code: 0, output: "" });
    await query("optuna", "CREATE TABLE kept (value int)");
    await query("mlflow", "CREATE TABLE kept (value int)");
    assert.deepEqual(await setUp({ MILLWRIGHT_DATABASES: "optuna mlflow third" }), { code: 0, output: "" });
    for (const database of ["optuna", "mlflow"]) {
      assert.equal(await query(database, "SELECT count(*) FROM kept"), "0");
    }
    assert.equal(await query("third", "SELECT 1"), "1");
  });

  it("are made by two at once without one of them failing", async () => {
    const names = { MILLWRIGHT_DATABASES: "fourth fifth sixth" };
    const ended = await Promise.all([setUp(names), setUp(names), setUp(names)]);
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0, 0],
      ended.map(({ output }) => output).join("\n"),
    );
  });

  it("are not made with a wrong password, and it is not said", async () => {
    const wrong = join(root, "wrong");
    writeFileSync(wrong, "not-the-password");
    const { code, output } = await setUp({ MILLWRIGHT_DATABASE_PASSWORD_FILE: wrong });
    assert.equal(code, 1);
    assert.match(output, /does not let admin in/);
    assert.doesNotMatch(output, /not-the-password/);
  });

  it("are not made where the role may not, which is said", async () => {
    await query("postgres", "CREATE ROLE reader LOGIN PASSWORD 'reader'");
    const file = join(root, "reader");
    writeFileSync(file, "reader");
    const changes = { MILLWRIGHT_DATABASE_USER: "reader", MILLWRIGHT_DATABASES: "seventh" };
    const { code, output } = await setUp({ ...changes, MILLWRIGHT_DATABASE_PASSWORD_FILE: file });
    assert.equal(code, 1);
    assert.match(output, /needs the right CREATEDB/);
  });

  it("name what is missing in the environment", async () => {
    assert.deepEqual((await setUp({ MILLWRIGHT_DATABASE_HOST: "" })).code, 64);
    const { code, output } = await setUp({ MILLWRIGHT_DATABASES: "Bad;Name" });
    assert.equal(code, 64);
    assert.match(output, /has "Bad;Name"/);
  });
});
