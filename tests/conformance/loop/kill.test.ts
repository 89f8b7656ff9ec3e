// Proves that a run that was killed at a write is mended by the next one. A sample of the writes: `npm run bench -- loop` takes
// them all. Does not prove it for kills between writes.
import assert from "node:assert/strict";
import { describeKill, type Kill, tryKill } from "./kills.ts";
import { sharedWorld } from "./shared-world.ts";
import type { World } from "./world.ts";

const KILLS: readonly Kill[] = [
  { write: 1, moment: "applied", who: "all", next: "full" },
  { write: 20, moment: "answered", who: "all", next: "changed" },
  { write: 38, moment: "applied", who: "engine", next: "smaller" },
  { write: 62, moment: "applied", who: "all", next: "smaller" },
];

describe("the loop after a kill", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  for (const kill of KILLS) {
    it(describeKill(kill), async () => assert.deepEqual(await tryKill(world, kill), []));
  }
});
