import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Failure } from "../../../scripts/lib/failure.ts";
import { acquireLock, lockHolder, withLock } from "../../../scripts/lib/lock.ts";

const MODULE = path.resolve(import.meta.dirname, "../../../scripts/lib/lock.ts");

/** A process that runs `body` with the lock module at hand, and says on stdout what it prints. */
function start(body: string) {
  const program = `
    import { readFileSync, writeFileSync } from "node:fs";
    import { setTimeout as sleep } from "node:timers/promises";
    import { acquireLock, withLock } from ${JSON.stringify(MODULE)};
    ${body}`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
}

describe("lock", () => {
  let folder = "";
  let file = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-lock-"));
    file = path.join(folder, "the", "lock");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps its work to one process at a time, also when a dead one left it locked", async () => {
    const dead = start(`await acquireLock(${JSON.stringify(file)}, "dying"); process.kill(process.pid, "SIGKILL");`);
    await once(dead, "close");
    assert.ok(existsSync(file));
    const counter = path.join(folder, "counter");
    writeFileSync(counter, "0");
    const rounds = 5;
    const contenders = Array.from({ length: 4 }, () =>
      start(`
        for (let round = 0; round < ${rounds}; round++) {
          await withLock(${JSON.stringify(file)}, "counting", async () => {
            const seen = Number(readFileSync(${JSON.stringify(counter)}, "utf8"));
            await sleep(5);
            writeFileSync(${JSON.stringify(counter)}, String(seen + 1));
          }, { waitSeconds: 25 });
        }`),
    );
    const codes = await Promise.all(contenders.map((child) => once(child, "close").then(([code]) => code as number)));
    assert.deepEqual(codes, [0, 0, 0, 0]);
    assert.equal(readFileSync(counter, "utf8"), String(4 * rounds));
    assert.deepEqual(readdirSync(path.dirname(file)), []);
  }).timeout(30_000);

  it("names its holder to whom it refuses", async () => {
    const holder = start(
      `await acquireLock(${JSON.stringify(file)}, "npm run up"); console.log("held"); await sleep(60_000);`,
    );
    try {
      await once(holder.stdout, "data");
      assert.equal(lockHolder(file)?.owner, "npm run up");
      await assert.rejects(acquireLock(file, "npm run down"), (error) => {
        assert.ok(error instanceof Failure);
        assert.match(error.message, new RegExp(`^npm run up \\(process ${holder.pid}\\) holds ${file}$`));
        return true;
      });
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "close");
    }
    assert.equal(lockHolder(file), undefined);
  });

  it("does not take a process of a reused pid for the holder", async () => {
    await withLock(file, "first", async () => {
      const holder = JSON.parse(readFileSync(file, "utf8")) as { startTime: string };
      writeFileSync(file, JSON.stringify({ ...holder, startTime: "earlier", nonce: "other" }));
      const release = await acquireLock(file, "second");
      assert.equal(lockHolder(file)?.owner, "second");
      release();
    });
    assert.ok(!existsSync(file));
  });

  it("is given back when its work fails", async () => {
    await assert.rejects(
      withLock(file, "failing", async () => {
        throw new Error("no");
      }),
      /^Error: no$/,
    );
    assert.equal(await withLock(file, "next", async () => 7), 7);
  });

  it("refuses a file that it did not write", async () => {
    await withLock(file, "making the folder", async () => {});
    writeFileSync(file, "1234\n" + "not ours");
    await assert.rejects(acquireLock(file, "anybody"), /is not a lock file of Millwright/);
  });
});
