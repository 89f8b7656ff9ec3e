import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { decide, type Part, pidFileOf, startParts, writeIfChanged } from "../../../scripts/cluster/parts.ts";
import { daemonAt, stopDaemon } from "../../../scripts/lib/daemon.ts";
import { Failure } from "../../../scripts/lib/failure.ts";

describe("parts: what is done about one", () => {
  const good = { running: true, sameCommand: true, configurationChanged: false, healthy: true };
  const cases: [string, Partial<typeof good>, string][] = [
    ["runs as it should", {}, "keep"],
    ["is gone", { running: false, healthy: false }, "start"],
    ["does not answer", { healthy: false }, "restart"],
    ["runs by another command line", { sameCommand: false }, "restart"],
    ["runs by an old configuration", { configurationChanged: true }, "restart"],
  ];
  for (const [what, change, decision] of cases) {
    it(`${decision}s one that ${what}`, () => {
      assert.equal(decide({ ...good, ...change }), decision);
    });
  }
});

describe("parts: started", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-parts-"));
  });
  afterEach(async () => {
    for (const name of ["first", "second", "third"]) {
      await stopDaemon(pidFileOf({ pids: folder, logs: folder }, name));
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const part = (name: string, script: string, more: Partial<Part> = {}): Part => ({
    name,
    command: "/bin/sh",
    args: ["-c", script],
    after: [],
    probe: async () => true,
    timeoutSeconds: 5,
    ...more,
  });
  const start = async (parts: readonly Part[]): Promise<string[]> => {
    const started: string[] = [];
    await startParts(parts, { pids: folder, logs: folder }, (name, work) => {
      started.push(name);
      return work();
    });
    return started;
  };

  it("each after those it follows are ready, and only once", async () => {
    let ready = false;
    let readyBefore: boolean | undefined;
    const parts = [
      part("first", "exec sleep 60", {
        probe: async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          ready = true;
          return true;
        },
      }),
      part("second", "exec sleep 60", {
        after: ["first"],
        prepare: async () => {
          readyBefore = ready;
        },
      }),
    ];
    assert.deepEqual(await start(parts), ["first", "second"]);
    assert.equal(readyBefore, true);
    assert.deepEqual(await start(parts), []);
  });

  it("again where what it reads is newer than the process", async () => {
    const file = path.join(folder, "configuration");
    writeIfChanged(file, "old");
    const parts = [part("first", "exec sleep 60", { reads: [file] })];
    await start(parts);
    assert.equal(writeIfChanged(file, "old"), false);
    assert.deepEqual(await start(parts), []);
    const later = new Date(Date.now() + 2000);
    writeFileSync(file, "new");
    utimesSync(file, later, later);
    assert.deepEqual(await start(parts), ["first"]);
  });

  it("until one fails: it is named with the end of its log, and what follows it is not started", async () => {
    const parts = [
      part("first", "exec sleep 60"),
      part("second", "echo the disk is on fire; exit 3", { probe: async () => false }),
      part("third", "exec sleep 60", { after: ["second"] }),
    ];
    await assert.rejects(start(parts), (error) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /^second ended right after its start.*the disk is on fire/s);
      return true;
    });
    assert.equal(daemonAt(pidFileOf({ pids: folder, logs: folder }, "third")), undefined);
  });
});
