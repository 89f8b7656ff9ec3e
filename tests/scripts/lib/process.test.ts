import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identify } from "../../../scripts/lib/identity.ts";
import { CommandError, run } from "../../../scripts/lib/process.ts";

async function failureOf(promise: Promise<unknown>): Promise<CommandError> {
  const error = await promise.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CommandError, String(error));
  return error;
}

describe("process: run", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-run-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("gives stdout and stderr apart, and takes input and environment", async () => {
    const result = await run("sh", ["-c", 'cat; echo "$A-$(printenv HOME || echo none)" >&2'], {
      input: "in",
      env: { A: "a", HOME: undefined },
    });
    assert.deepEqual(result, { stdout: "in", stderr: "a-none\n" });
  });

  it("rejects with the exit code and the end of the output", async () => {
    const error = await failureOf(run("sh", ["-c", "seq 1 100; echo last >&2; exit 7"]));
    assert.equal(error.exitCode, 7);
    const lines = error.tail.split("\n");
    assert.equal(lines.length, 25);
    assert.ok(lines.includes("100") && lines.includes("last"));
    assert.match(error.message, /^sh -c .* ended with exit code 7:\n/);
  });

  it("ends what a command started when its time is over", async () => {
    const pidFile = path.join(folder, "pid");
    const error = await failureOf(run("sh", ["-c", `sleep 60 & echo $! >${pidFile}; wait`], { timeoutSeconds: 0.3 }));
    assert.match(error.message, /ran past its 0\.3 s/);
    await sleep(50);
    assert.equal(identify(Number(readFileSync(pidFile, "utf8"))), undefined);
  });

  it("says which command cannot be run", async () => {
    const error = await failureOf(run("no-such-command", ["x"]));
    assert.match(error.message, /^no-such-command x could not be run: .*ENOENT/);
  });

  it("does not mind a command that ignores its input", async () => {
    await run("true", [], { input: "x".repeat(1_000_000) });
  });

  it("appends to a log and hands on every line", async () => {
    const logFile = path.join(folder, "new", "log");
    const lines: string[] = [];
    await run("printf", ["a\\nb\\n"], { logFile, onLine: (line) => lines.push(line) });
    await run("printf", ["c\\n"], { logFile });
    assert.deepEqual(lines, ["a", "b"]);
    assert.equal(readFileSync(logFile, "utf8"), "a\nb\nc\n");
    assert.ok(existsSync(logFile));
  });
});
