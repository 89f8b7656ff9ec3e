import { afterwards } from "./converged.ts";
import type { Variant } from "./program/objects.ts";
import type { Moment } from "./proxy.ts";
import { createTrial, type World } from "./world.ts";

export interface Kill {
  /** After which write, from 1. */
  readonly write: number;
  readonly moment: Moment;
  /** The run with all it started, or `pulumi` alone. */
  readonly who: "all" | "engine";
  /** What the run after it declares. */
  readonly next: Variant;
}

/** Kills a first run and lets the next one mend it; what is not as promised, one line each. */
export async function tryKill(world: World, { write, moment, who, next }: Kill): Promise<string[]> {
  const trial = await createTrial(world);
  try {
    world.proxy.forget();
    const running = trial.start("full");
    let killed = false;
    world.proxy.onWrite((count, now) => {
      if (count !== write || now !== moment) return;
      killed = true;
      if (who === "all") running.killAll();
      else running.killEngine();
    });
    const { code } = await running.done;
    world.proxy.onWrite(undefined);
    if (!killed) return [`there were only ${world.proxy.writes.length} writes`];
    if (who === "all" && code !== undefined) return [`the kill came too late: ${code}`];
    return await afterwards(world, trial, next);
  } finally {
    world.proxy.onWrite(undefined);
    await trial.dispose();
  }
}

export const describeKill = ({ write, moment, who, next }: Kill): string =>
  `${who === "all" ? "all" : "the engine alone"} after write ${write} was ${moment}, then the ${next} program`;
