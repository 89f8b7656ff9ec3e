// Proves that one run makes what the program declares and that the next one writes nothing. Does not prove that anything runs:
// there is no node.
import assert from "node:assert/strict";
import { sharedWorld } from "./shared-world.ts";
import { createTrial, type World } from "./world.ts";

describe("the loop on the official provider", function () {
  this.timeout(240_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  it("makes every object, and then writes nothing", async () => {
    const trial = await createTrial(world);
    try {
      const first = await trial.up();
      assert.equal(first.code, 0, first.output);
      assert.ok(world.proxy.writes.length >= 60, `${world.proxy.writes.length} writes`);
      assert.deepEqual(await trial.differences(), []);
      world.proxy.forget();
      const second = await trial.up();
      assert.equal(second.code, 0, second.output);
      assert.deepEqual(
        [second.created, second.updated, second.replaced, second.deleted, world.proxy.writes],
        [[], [], [], [], []],
      );
      assert.deepEqual(await trial.processes(), []);
    } finally {
      await trial.dispose();
    }
  });
});
