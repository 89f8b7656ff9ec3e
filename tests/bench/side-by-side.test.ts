import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { sideBySide } from "../../scripts/bench/side-by-side.ts";

describe("sideBySide", () => {
  it("has no more under way than it may, and gives results in the order of the items", async () => {
    let underWay = 0;
    let most = 0;
    const results = await sideBySide(3, [5, 1, 4, 1, 3, 2, 0], async (item) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(item);
      underWay -= 1;
      return item * 10;
    });
    assert.deepEqual(results, [50, 10, 40, 10, 30, 20, 0]);
    assert.equal(most, 3);
    assert.deepEqual(await sideBySide(3, [], async () => 1), []);
  });

  it("begins nothing more once one failed, and waits for those under way", async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const work = async (item: number) => {
      begun.push(item);
      await sleep(item === 1 ? 1 : 10);
      if (item === 1) throw new Error("no");
      ended.push(item);
    };
    await assert.rejects(sideBySide(2, [0, 1, 2, 3], work), /no/);
    assert.deepEqual(begun, [0, 1]);
    assert.deepEqual(ended, [0]);
  });
});
