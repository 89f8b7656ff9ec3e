// Proves that what is declared as a secret stands nowhere in the clear, by a search that finds what is declared in the clear.
// Does not prove it for what a program prints itself.
import assert from "node:assert/strict";
import { canary, found, placesOf } from "./secrets.ts";
import { sharedWorld } from "./shared-world.ts";
import { createTrial, type World } from "./world.ts";

describe("the loop and secrets", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  it("shows no secret, changed and killed or not, where it shows what is in the clear", async () => {
    const trial = await createTrial(world);
    const [first, second, clear] = [canary(), canary(), canary()];
    try {
      const made = await trial.up("full", { SUITE_CANARY: first, SUITE_CLEAR_CANARY: clear });
      assert.equal(made.code, 0, made.output);
      world.proxy.forget();
      const killed = trial.start("changed", { SUITE_CANARY: second, SUITE_CLEAR_CANARY: clear });
      world.proxy.onWrite((count) => {
        if (count === 2) killed.killAll();
      });
      const runs = [made, await killed.done];
      world.proxy.onWrite(undefined);
      const pending = await placesOf(world, trial, runs);
      const places = await placesOf(world, trial, [...runs, await trial.up("changed", { SUITE_CANARY: second })]);
      for (const secret of [first, second]) {
        assert.deepEqual([...found(secret, pending), ...found(secret, places)], []);
      }
      const seen = found(clear, pending);
      for (const place of [/^state /, /^events of the engine$/, /^export$/, /^diff$/, /^ConfigMaps of a$/]) {
        assert.ok(
          seen.some((name) => place.test(name)),
          `the search does not find what is in the clear in ${place}, only in ${seen.join(", ")}`,
        );
      }
    } finally {
      world.proxy.onWrite(undefined);
      await trial.dispose();
    }
  });
});
