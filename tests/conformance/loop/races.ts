import { spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { afterwards } from "./converged.ts";
import { createTrial, type Outcome, type Trial, type World } from "./world.ts";

/** What two runs at once, or a lock that lies there, must lead to; each gives what is not as promised. */
export const RACES: Readonly<Record<string, (world: World, trial: Trial) => Promise<string[]>>> = {
  "two at once": async (_world, trial) => judgeTwo(await Promise.all([trial.up(), trial.up()])),
  "half a second apart": async (_world, trial) => {
    const first = trial.up();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return judgeTwo(await Promise.all([first, trial.up()]));
  },
  "lock of a dead process": async (_world, trial) => {
    await writeLock(trial, lockOf(spawnSync("true").pid, hostname(), new Date().toISOString()));
    return [];
  },
  "lock with a reused number": async (_world, trial) => {
    await writeLock(trial, lockOf(process.pid, hostname(), "2020-01-01T00:00:00Z"));
    return [];
  },
  "empty lock": async (_world, trial) => {
    await writeLock(trial, "");
    return [];
  },
  "lock of a living process": async (world, trial) =>
    refusedFor(world, trial, lockOf(process.pid, hostname(), new Date().toISOString())),
  "lock of another machine": async (world, trial) =>
    refusedFor(world, trial, lockOf(1, "another-machine.invalid", new Date().toISOString())),
};

/** @returns what is not as promised in the race or in the unattended run after it */
export async function tryRace(world: World, name: string): Promise<string[]> {
  const trial = await createTrial(world);
  try {
    const wrong = (await RACES[name]?.(world, trial)) ?? [`there is no race ${name}`];
    return [...wrong, ...(await afterwards(world, trial, "full"))];
  } finally {
    await trial.dispose();
  }
}

function judgeTwo(runs: readonly Outcome[]): string[] {
  const refused = runs.filter(({ code }) => code !== 0);
  return [
    ...(refused.length === 1 ? [] : [`${refused.length} of two were refused: ${refused[0]?.failure}`]),
    ...refused
      .filter(({ failure }) => !/in use|Another run has the stack/.test(failure ?? ""))
      .map(({ failure }) => `refused: ${failure}`),
  ];
}

async function refusedFor(world: World, trial: Trial, lock: string): Promise<string[]> {
  const file = await writeLock(trial, lock);
  world.proxy.forget();
  const { code, failure } = await trial.up();
  // The user's part of it: the process has ended.
  await rm(file);
  return [
    ...(code === 1 && /in use/.test(failure ?? "") ? [] : [`not refused: ${code}, ${failure}`]),
    ...world.proxy.writes.map((write) => `wrote ${write} beside the lock's owner`),
  ];
}

const lockOf = (pid: number, host: string, timestamp: string) =>
  JSON.stringify({ pid, username: "root", hostname: host, timestamp });

async function writeLock({ root }: Trial, content: string): Promise<string> {
  const folder = path.join(root, "pulumi/state/.pulumi/locks/organization/loop/dev");
  const file = path.join(folder, "11111111-2222-3333-4444-555555555555.json");
  await mkdir(folder, { recursive: true });
  await writeFile(file, content);
  return file;
}
