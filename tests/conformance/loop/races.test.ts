// Proves that two runs at once do no harm. Locks that lie there, which tests/conformance/nodejs covers too:
// `npm run bench -- loop`.
import assert from "node:assert/strict";
import { tryRace } from "./races.ts";
import { sharedWorld } from "./shared-world.ts";
import type { World } from "./world.ts";

describe("two loops on one stack", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  it("lets one of two first runs at once finish and refuses the other", async () => {
    assert.deepEqual(await tryRace(world, "two at once"), []);
  });
});
