import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { recoverStack } from "../../../scripts/converge/recover.ts";
import { Failure } from "../../../scripts/lib/failure.ts";
import { createWorkspace, eventually, missingEngine, skipWithout, type Workspace } from "./workspace.ts";

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
class Thing extends pulumi.CustomResource {
  constructor(name: string, options: pulumi.CustomResourceOptions) {
    super("sleepy:index:Thing", name, { name }, { version: "1.0.0", ...options });
  }
}
let before: Thing[] = [];
for (const name of (process.env.THINGS ?? "").split(",")) before = [new Thing(name, { dependsOn: before })];
`;

const ALL = ["a", "b", "c", "d", "e"];

describe("recoverStack after a run that was killed", function () {
  this.timeout(180_000);
  let workspace: Workspace;
  let things: string;

  const up = ["up", "--yes", "--skip-preview"];
  const env = (names: readonly string[], milliseconds: number) => ({
    THINGS: names.join(","),
    SLEEPY_FOLDER: things,
    SLEEPY_MILLISECONDS: String(milliseconds),
  });
  const recover = () =>
    recoverStack({
      workDir: workspace.folder,
      stack: workspace.stack,
      env: { ...workspace.env, ...env([], 0) },
      expectedId: ({ type, inputs }) => (type === "sleepy:index:Thing" ? String(inputs?.name) : undefined),
    });
  const named = async (): Promise<string[]> => {
    const state = JSON.parse(await workspace.succeed(["stack", "export"])) as {
      deployment: { resources?: { type: string; id?: string }[]; pending_operations?: unknown[] };
    };
    assert.deepEqual(state.deployment.pending_operations ?? [], []);
    return (state.deployment.resources ?? [])
      .filter(({ type }) => type === "sleepy:index:Thing")
      .map(({ id }) => id ?? "");
  };

  before(function () {
    skipWithout(this, missingEngine());
  });

  beforeEach(async () => {
    workspace = await createWorkspace({
      program: PROGRAM,
      providers: { sleepy: fileURLToPath(new URL("./sleepy.ts", import.meta.url)) },
    });
    things = join(workspace.folder, "things");
    mkdirSync(things);
  });

  afterEach(() => workspace.dispose());

  it("lets the next run converge after kills at random moments, without a question, orphan or duplicate", async () => {
    const moments = Array.from({ length: 5 }, () => 500 + Math.random() * 5000);
    for (const milliseconds of moments) {
      const { child, done } = workspace.start(up, env(ALL, 300));
      const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
      await done;
      clearTimeout(timer);
      await recover();
      assert.deepEqual((await named()).sort(), readdirSync(things).sort(), `killed after ${milliseconds} ms`);
    }
    const output = await workspace.succeed(up, env(ALL, 0));
    assert.doesNotMatch(output, /pending operations/);
    assert.deepEqual((await named()).sort(), ALL);
    assert.deepEqual(readdirSync(things).sort(), ALL);
    assert.match(await workspace.succeed(["preview", "--expect-no-changes"], env(ALL, 0)), /unchanged/);
  });

  it("takes what was being created into the state, so that the next run removes it when it is no longer declared", async () => {
    const { child, done } = workspace.start(up, env(["a", "b"], 1500));
    await eventually(() => existsSync(join(things, "b")), "b", 60);
    child.kill("SIGKILL");
    await done;
    const repaired = await recover();
    assert.match(repaired.at(-1) ?? "", /sleepy:index:Thing b: .*it is there; taken into the state/);
    assert.deepEqual((await named()).sort(), ["a", "b"]);
    await workspace.succeed(up, env(["a"], 0));
    assert.deepEqual(readdirSync(things), ["a"]);
  });

  it("forgets what was not made yet", async () => {
    const { child, done } = workspace.start(up, env(["a", "b"], 1500));
    await eventually(() => existsSync(join(things, "a")), "a", 60);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.equal(existsSync(join(things, "b")), false);
    child.kill("SIGKILL");
    await done;
    assert.match((await recover()).join("\n"), /before it was there; the next run creates it/);
    assert.deepEqual(await named(), ["a"]);
  });

  it("repeats a deletion that was interrupted", async () => {
    await workspace.succeed(up, env(["a", "b"], 0));
    const { child, done } = workspace.start(["destroy", "--yes", "--skip-preview"], env([], 1500));
    await eventually(() => !existsSync(join(things, "b")), "the deletion of b", 60);
    child.kill("SIGKILL");
    await done;
    assert.match((await recover()).join("\n"), /Thing b: deleting was interrupted/);
    await workspace.succeed(["destroy", "--yes", "--skip-preview"], env([], 0));
    assert.deepEqual(readdirSync(things), []);
    assert.deepEqual(await named(), []);
  });

  it("leaves plain `pulumi up` nothing in its way either", async () => {
    const { child, done } = workspace.start(up, env(["a", "b"], 500));
    await eventually(() => existsSync(join(things, "a")), "a", 60);
    child.kill("SIGKILL");
    await done;
    const locks = join(fileURLToPath(workspace.env.PULUMI_BACKEND_URL ?? ""), ".pulumi/locks/organization/trial/dev");
    await eventually(() => readdirSync(locks).length === 0, "the release of the lock");
    await workspace.succeed(up, env(["a", "b"], 0));
    assert.deepEqual(readdirSync(things).sort(), ["a", "b"]);
  });

  it("says nothing after a run that ended by itself", async () => {
    await workspace.succeed(up, env(["a"], 0));
    assert.deepEqual(await recover(), []);
  });

  it("refuses while another run is under way, and takes a lock whose process is gone or whose pid is another's", async () => {
    const lock = join(
      fileURLToPath(workspace.env.PULUMI_BACKEND_URL ?? ""),
      ".pulumi/locks/organization/trial/dev/11111111-2222-3333-4444-555555555555.json",
    );
    mkdirSync(dirname(lock), { recursive: true });
    const write = (pid: number, host: string, timestamp: string) =>
      writeFileSync(lock, JSON.stringify({ pid, username: "root", hostname: host, timestamp }));

    write(process.pid, hostname(), new Date().toISOString());
    await assert.rejects(recover(), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, new RegExp(`process ${process.pid} of root on ${hostname()}`));
      assert.match(error.remedy, /pulumi cancel/);
      return true;
    });
    write(1, "another-machine.invalid", new Date().toISOString());
    await assert.rejects(recover(), Failure);

    const gone = spawnSync("true").pid;
    write(gone, hostname(), new Date().toISOString());
    assert.equal((await recover()).length, 1);
    assert.equal(existsSync(lock), false);

    write(process.pid, hostname(), "2020-01-01T00:00:00Z");
    assert.equal((await recover()).length, 1);
    writeFileSync(lock, `{"pid": 1`);
    assert.match((await recover()).join(), /broken lock file/);
    assert.equal(existsSync(lock), false);
  });
});
