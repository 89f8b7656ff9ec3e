// Proves that one run gets through what a server or a network does wrong for a moment. A sample: `npm run bench -- loop` takes
// every kind and more rates. Does not prove it for faults that last.
import assert from "node:assert/strict";
import { tryAbsence, tryFaults, tryHidden } from "./faults.ts";
import type { FaultKind } from "./proxy.ts";
import { sharedWorld } from "./shared-world.ts";
import type { World } from "./world.ts";

const KINDS: readonly FaultKind[] = [500, "lost"];

describe("the loop through faults", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  for (const kind of KINDS) {
    it(`gets through ${kind} on a twentieth of its writes`, async () => {
      const { requests, wrong } = await tryFaults(world, { kind, rate: 0.05, seed: 1 }, "create");
      assert.deepEqual(wrong, []);
      assert.ok(requests > 0, "nothing was struck");
    });
  }

  it("gets through five seconds without a server", async () => {
    assert.deepEqual(await tryAbsence(world, 20, 5), []);
  });

  it("makes nothing anew after a discovery that denied a group", async () => {
    assert.deepEqual(await tryHidden(world, "apps"), []);
  });
});
