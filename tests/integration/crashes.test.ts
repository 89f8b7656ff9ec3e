// kill -9 of the engine at random moments of a change, on the machine's local datacenter. Does not prove what a crash of the
// API server or of the machine does.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { MODEL, NAMESPACE, REPOSITORY, STACK, TestStack } from "./datacenter.ts";

const KILLS = 5;

describe("kill -9 of pulumi up", () => {
  let stack: TestStack;

  before(async () => {
    stack = new TestStack();
  });

  after(async () => {
    const result = await stack.destroy();
    assert.equal(result.code, 0, result.stderr + result.stdout);
  });

  it(`converges after ${KILLS} kills at random moments, without a question and with nothing doubled`, async () => {
    const moments: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const seconds = 2 + 14 * Math.random();
      moments.push(Math.round(seconds * 10) / 10);
      await killedUp(stack, seconds);
    }
    const report = await stack.up();
    assert.equal(report.settled, true, `killed after ${moments.join(", ")} s`);
    assert.deepEqual((await stack.up()).changes, { created: [], updated: [], replaced: [], deleted: [] });
    const names = await stack.kubectl("-n", NAMESPACE, "get", "deploy,svc,sa,cm,pvc,job", "-o", "name");
    const ours = names.split("\n").filter((name) => name.includes(MODEL));
    assert.equal(new Set(ours).size, ours.length);
    // The servers of the one version and their router; what dataset, training and rollout recorded.
    assert.equal(ours.filter((name) => name.startsWith("deployment")).length, 2, names);
    assert.equal(ours.filter((name) => name.startsWith("configmap/record-")).length, 3, names);
  });
});

/** Starts `up`, kills the engine after some seconds, and waits until the converge loop has given up. */
async function killedUp(stack: TestStack, seconds: number): Promise<void> {
  const child = spawn("sh", ["scripts/run.sh", "up", STACK, "--stack-file", stack.file, "--json"], {
    cwd: REPOSITORY,
    env: stack.env,
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await sleep(seconds * 1000);
  for (const pid of enginesBelow(child.pid!)) {
    process.kill(pid, "SIGKILL");
  }
  child.kill("SIGKILL");
  await ended;
}

/** Process ids of `pulumi` among the descendants of a process. */
function enginesBelow(root: number): number[] {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const [, name, parent] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
      parents.set(Number(entry), { parent: Number(parent), name: name ?? "" });
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid)?.parent ?? 0));
  return [...parents].filter(([pid, { name }]) => name === "pulumi" && isBelow(pid)).map(([pid]) => pid);
}
