// Proves for the worst of the changes that replace or remove something that nothing is lost by them. All of them, and for how
// long each object is absent: `npm run bench -- loop`.
import assert from "node:assert/strict";
import { tryDestruction } from "./destruction.ts";
import type { Destructive } from "./program/objects.ts";
import { sharedWorld } from "./shared-world.ts";
import type { World } from "./world.ts";

const WORST: readonly Destructive[] = ["rename", "claim-class", "job-template", "refused-successor"];

describe("the loop and destructive changes", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  for (const change of WORST) {
    it(change, async () => assert.deepEqual((await tryDestruction(world, change)).wrong, []));
  }
});
