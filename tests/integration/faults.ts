import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isEngine, listProcesses } from "../../scripts/converge/plugins.ts";
import { eventually, REPOSITORY, STACK, type TestStack } from "./datacenter.ts";

/** Waits for the first checkpoint of a training run that has no result yet, and returns the run's name. */
export function waitForCheckpoint(stack: TestStack): Promise<string> {
  const known = new Set(foldersOf(path.join(stack.artifacts, "checkpoints")));
  return eventually("the first checkpoint", 300, async () => {
    const fresh = foldersOf(path.join(stack.artifacts, "checkpoints")).filter((run) => !known.has(run));
    return fresh.find((run) =>
      foldersOf(path.join(stack.artifacts, "checkpoints", run)).some((name) => name.startsWith("checkpoint-")),
    );
  });
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return [];
    }
    throw error;
  }
}

/** Sends SIGKILL to one training process of a run: as the kernel's OOM killer would, from outside the container. */
export async function killWorkload(run: string): Promise<number> {
  const pid = await eventually(`a training process of ${run}`, 60, async () => workloadProcesses(run)[0]);
  process.kill(pid, "SIGKILL");
  return pid;
}

/** Python processes whose environment names the run and its workload container, youngest first. */
function workloadProcesses(run: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return (
          environment.includes(`MILLWRIGHT_RUN=${run}`) &&
          environment.some((entry) => entry.startsWith("MILLWRIGHT_OUTPUT=")) &&
          command.includes("python") &&
          command.includes("train")
        );
      } catch {
        return false; // The process ended between the listing and the reading.
      }
    })
    .sort((a, b) => b - a);
}

/** Starts `up`, kills the engine after some seconds, and waits until the converge loop has given up. */
export async function killedUp(stack: TestStack, seconds: number): Promise<void> {
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
  const processes = listProcesses();
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  return processes.filter((each) => isEngine(each) && isBelow(each.pid)).map(({ pid }) => pid);
}
