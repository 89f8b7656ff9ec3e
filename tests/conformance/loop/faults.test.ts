// Proves that one run gets through what a server or a network does wrong for a moment. A sample: `npm run bench -- loop` takes
// every kind and more rates. Does not prove it for faults that last.
import assert from "node:assert/strict";
import { tryAbsence, tryFaults, tryHidden } from "./faults.ts";
import type { FaultKind } from "./proxy.ts";
import { sharedWorld } from "./shared-world.ts";
import type { World } from "./world.ts";

/** At the first rate the provider gets through by the runs that follow; at the second not without a proxy that asks again. */
const STRUCK: readonly { readonly kind: FaultKind; readonly rate: number }[] = [
  { kind: "lost", rate: 0.05 },
  { kind: 500, rate: 0.2 },
];

describe("the loop through faults", function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await sharedWorld();
  });

  for (const { kind, rate } of STRUCK) {
    it(`gets through ${kind} on ${rate * 100} % of its writes`, async () => {
      const { requests, wrong } = await tryFaults(world, { kind, rate, seed: 1 }, "create");
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
