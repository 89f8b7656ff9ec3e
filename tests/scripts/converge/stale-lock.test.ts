import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { backendFolder, isStale, locksOf, releaseLocksOf, startedAt } from "../../../scripts/converge/stale-lock.ts";

describe("locks of the file backend", () => {
  let backend: string;

  beforeEach(() => {
    backend = mkdtempSync(join(tmpdir(), "millwright-locks-"));
  });

  afterEach(() => rmSync(backend, { recursive: true, force: true }));

  function lock(stack: string, pid: number, timestamp = new Date(), host = hostname()): string {
    const path = join(backend, ".pulumi", "locks", "organization", "p", stack, `${pid}.json`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ pid, username: "root", hostname: host, timestamp: timestamp.toISOString() }));
    writeFileSync(`${path}.attrs`, "{}");
    return path;
  }

  const gone = () => spawnSync("true").pid;
  const stale = (stack: string) => locksOf(backend, "p", stack).map(isStale);

  it("are stale when their process is gone, and not while it runs", () => {
    lock("dead", gone());
    lock("alive", process.pid);
    assert.deepEqual(stale("dead"), [true]);
    assert.deepEqual(stale("alive"), [false]);
    assert.deepEqual(stale("none"), []);
  });

  it("are stale when the pid belongs to a process that started later", () => {
    lock("reused", process.pid, new Date(Date.now() - 24 * 3600_000));
    assert.deepEqual(stale("reused"), [true]);
  });

  it("of another machine are never stale", () => {
    lock("far", gone(), new Date(), "elsewhere.invalid");
    assert.deepEqual(stale("far"), [false]);
  });

  it("of a killed engine are released, of others kept", () => {
    const pid = gone();
    const left = lock("one", pid);
    const others = [lock("two", process.pid), lock("three", pid, new Date(), "elsewhere.invalid")];
    assert.deepEqual(releaseLocksOf(pid, backend), [left]);
    assert.ok(!existsSync(left) && !existsSync(`${left}.attrs`));
    assert.ok(others.every((path) => existsSync(path)));
    assert.deepEqual(releaseLocksOf(process.pid, backend), [], "a running engine keeps its lock");
  });

  it("of a backend that is not there are none", () => {
    assert.deepEqual(releaseLocksOf(1, join(backend, "none")), []);
  });
});

describe("startedAt", () => {
  it("tells when a process started, to the second", async () => {
    const child = spawn("sleep", ["60"]);
    try {
      const started = startedAt(child.pid ?? 0);
      assert.ok(started !== undefined);
      assert.ok(Math.abs(started.getTime() - Date.now()) < 1500, `${started.toISOString()}`);
    } finally {
      child.kill();
    }
  });

  it("knows no process that is gone", () => assert.equal(startedAt(spawnSync("true").pid), undefined));
});

describe("backendFolder", () => {
  it("reads file URLs and leaves the others", () => {
    assert.equal(backendFolder("file:///state/pulumi?no_tmp_dir=true"), "/state/pulumi");
    assert.equal(backendFolder("s3://bucket"), undefined);
    assert.equal(backendFolder(undefined), undefined);
  });
});
