import { startWorld, type World } from "./world.ts";

let started: Promise<World> | undefined;

/** One world for every file of the suite, started by whoever asks first: trials do not meet in it. */
export async function sharedWorld(): Promise<World> {
  started ??= startWorld();
  return await started;
}

after("stop the world", async function () {
  this.timeout(60_000);
  await (await started)?.stop();
});
