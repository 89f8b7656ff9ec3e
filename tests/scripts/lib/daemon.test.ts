import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { awaitDaemon, daemonAt, startDaemon, stopDaemon } from "../../../scripts/lib/daemon.ts";
import { Failure } from "../../../scripts/lib/failure.ts";
import { identify, isRunning } from "../../../scripts/lib/identity.ts";

describe("daemon", () => {
  let folder = "";
  const options = (script: string) => ({
    name: "sleeper",
    command: "sh",
    args: ["-c", script],
    logFile: path.join(folder, "logs", "sleeper.log"),
    pidFile: path.join(folder, "run", "sleeper.json"),
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-daemon-"));
  });
  afterEach(async () => {
    await stopDaemon(options("").pidFile, { signal: "SIGKILL" });
    rmSync(folder, { recursive: true, force: true });
  });

  it("starts once, however often it is asked, and stops", async () => {
    const first = await startDaemon(options("exec sleep 60"));
    const second = await startDaemon(options("exec sleep 60"));
    assert.equal(second.pid, first.pid);
    assert.equal(await stopDaemon(options("").pidFile), true);
    assert.ok(!isRunning(first));
    assert.equal(await stopDaemon(options("").pidFile), false);
  });

  it("kills what does not mind SIGTERM", async () => {
    const daemon = await startDaemon(options("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
    await awaitDaemon(daemon, () => readFileSync(daemon.logFile, "utf8").includes("ready"));
    await stopDaemon(options("").pidFile, { graceSeconds: 0.2 });
    assert.ok(!isRunning(daemon));
  });

  it("never touches a process that got the pid later", async () => {
    const bystander = spawn("sleep", ["60"]);
    try {
      await once(bystander, "spawn");
      // The kernel counts starts in hundredths of a second; a pid is never given again that soon.
      await sleep(50);
      const daemon = await startDaemon(options("exec sleep 60"));
      await stopDaemon(options("").pidFile);
      writeFileSync(options("").pidFile, JSON.stringify({ ...daemon, pid: bystander.pid }));
      assert.equal(daemonAt(options("").pidFile), undefined);
      assert.equal(await stopDaemon(options("").pidFile), false);
      assert.ok(identify(bystander.pid ?? 0) !== undefined);
      assert.ok(!existsSync(options("").pidFile));
    } finally {
      bystander.kill("SIGKILL");
    }
  });

  it("tells why it ended right away, from this run's log alone", async () => {
    const end = (script: string) => startDaemon(options(script)).then((daemon) => awaitDaemon(daemon, () => false));
    await assert.rejects(end("echo from the first run; exit 1"), /from the first run/);
    await assert.rejects(end("echo bad flag; exit 1"), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.message, "sleeper ended right after its start; the end of its log:\nbad flag");
      return true;
    });
  });

  it("tells what its probe last said when it is not ready in time", async () => {
    const daemon = await startDaemon(options("echo warming up; exec sleep 60"));
    const probe = async () => {
      throw new Error("connection refused");
    };
    await assert.rejects(
      awaitDaemon(daemon, probe, { timeoutSeconds: 0.2 }),
      /sleeper was not ready after 0\.2 s \(connection refused\); the end of its log:\nwarming up/,
    );
  });

  it("says which command is not there", async () => {
    const missing = { ...options(""), command: path.join(folder, "absent") };
    await assert.rejects(startDaemon(missing), /^Failure: sleeper could not be started: spawn .*absent ENOENT$/);
    assert.ok(!existsSync(missing.pidFile));
  });
});
