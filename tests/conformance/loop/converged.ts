import type { Variant } from "./program/objects.ts";
import { type Outcome, type Trial, type World, within } from "./world.ts";

/**
 * One unattended run whatever happened before, and then one more. What is not as promised, one line each: it ends well, what is
 * there is what is declared, nothing is left running, and the run after it has nothing to do.
 */
export async function afterwards(world: World, trial: Trial, variant: Variant): Promise<string[]> {
  const run = await trial.up(variant);
  const wrong = [...ended("the run", run), ...(await stands(trial, variant))];
  if (run.code !== 0) return wrong;
  world.proxy.forget();
  const again = await trial.up(variant);
  const changes = [again.created, again.updated, again.replaced, again.deleted].flatMap((names) => names ?? []);
  return [
    ...wrong,
    ...ended("the run after it", again),
    ...changes.map((name) => `the run after it changed ${name}`),
    ...world.proxy.writes.map((write) => `the run after it wrote ${write}`),
  ];
}

/** A run that did not get far leaves the whole program missing. */
const SHOWN = 5;

/** What is there and what runs, against what is declared. */
export async function stands(trial: Trial, variant: Variant): Promise<string[]> {
  await within(10, async () => (await trial.processes()).length === 0);
  // What was deleted a moment ago may still be waiting for a controller to release it.
  await within(5, async () => (await trial.differences(variant)).length === 0);
  const differences = await trial.differences(variant);
  return [
    ...differences.slice(0, SHOWN),
    ...(differences.length > SHOWN ? [`and ${differences.length - SHOWN} more that are missing or too many`] : []),
    ...(await trial.processes()).map((line) => `left running: ${line.replace(/^\d+ /, "")}`),
  ];
}

export function ended(what: string, { code, failure, output }: Outcome): string[] {
  return code === 0 ? [] : [`${what} ended with ${code ?? "a kill"}: ${failure ?? output.slice(-500)}`];
}
