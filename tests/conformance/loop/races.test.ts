// Proves that two runs at once do no harm and that only a living run's lock stops another. The other locks, which unit tests
// cover too: `npm run bench -- loop`.
import assert from "node:assert/strict";
import { tryRace } from "./races.ts";
import { startWorld, type World } from "./world.ts";

describe("two loops on one stack", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  for (const race of ["two at once", "lock of a living process"]) {
    it(race, async () => assert.deepEqual(await tryRace(world, race), []));
  }
});
