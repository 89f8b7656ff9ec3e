import { afterwards, ended, stands } from "./converged.ts";
import type { Variant } from "./program/objects.ts";
import type { Faults } from "./proxy.ts";
import { createTrial, type World } from "./world.ts";

export interface Struck {
  /** How many runs it took until one ended well; undefined: none did. */
  readonly runs: number | undefined;
  readonly requests: number;
  readonly seconds: number;
  /** What is not as promised, but for the number of runs. */
  readonly wrong: readonly string[];
}

/** Creates the stack, or changes it, while requests are struck. */
export async function tryFaults(world: World, faults: Faults, phase: "create" | "change", most = 1): Promise<Struck> {
  const trial = await createTrial(world);
  const variant: Variant = phase === "create" ? "full" : "changed";
  try {
    const before = phase === "change" ? ended("the run before", await trial.up("full")) : [];
    world.proxy.forget();
    world.proxy.setFaults(faults);
    const started = Date.now();
    const failures: string[] = [];
    let runs: number | undefined;
    for (let count = 1; count <= most && runs === undefined; count++) {
      const problems = ended(`run ${count}`, await trial.up(variant));
      if (problems.length === 0) runs = count;
      failures.push(...problems);
    }
    const seconds = (Date.now() - started) / 1000;
    const requests = world.proxy.struck;
    world.proxy.setFaults(undefined);
    // A run that says all is well must be right; one that does not must be mended by the next.
    const wrong = runs === undefined ? await afterwards(world, trial, variant) : await stands(trial, variant);
    return { runs, requests, seconds, wrong: [...before, ...(runs === undefined ? failures : []), ...wrong] };
  } finally {
    world.proxy.setFaults(undefined);
    await trial.dispose();
  }
}

/** The server refuses connections for some seconds from a write on. */
export async function tryAbsence(world: World, write: number, seconds: number): Promise<string[]> {
  const trial = await createTrial(world);
  try {
    world.proxy.forget();
    let away: Promise<void> | undefined;
    world.proxy.onWrite((count, moment) => {
      if (count === write && moment === "answered") away ??= world.proxy.goAway(seconds);
    });
    const run = await trial.up("full");
    world.proxy.onWrite(undefined);
    await away;
    return [...ended("the run", run), ...(await stands(trial, "full"))];
  } finally {
    world.proxy.onWrite(undefined);
    await trial.dispose();
  }
}

/** The server denies a group of kinds in its discovery during one run. */
export async function tryHidden(world: World, group: string): Promise<string[]> {
  const trial = await createTrial(world);
  try {
    const first = ended("the first run", await trial.up("full"));
    const uids = async () => (await world.labelled(trial.prefix)).map(({ metadata }) => metadata.uid).sort();
    const before = await uids();
    world.proxy.hideGroup(group);
    await trial.up("full");
    world.proxy.hideGroup(undefined);
    const after = await afterwards(world, trial, "full");
    const same = JSON.stringify(before) === JSON.stringify(await uids());
    return [...first, ...after, ...(same ? [] : ["objects were made anew"])];
  } finally {
    world.proxy.hideGroup(undefined);
    await trial.dispose();
  }
}
