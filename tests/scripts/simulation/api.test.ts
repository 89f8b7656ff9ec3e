import assert from "node:assert/strict";
import { ApiError } from "../../../components/lifecycle/cluster.ts";
import { concurrently, ignoring } from "../../../scripts/simulation/api.ts";

/** What needs no server; requests and watches are proved by the tests of the replay and of the cloud, on a real one. */

describe("work on many objects", () => {
  it("is done on each, so many at once", async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await concurrently([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      done.push(item);
      running -= 1;
    });
    assert.equal(most, 3);
    assert.deepEqual(done.sort(), [1, 2, 3, 4, 5, 6, 7]);
  });

  it("ends with the first error once what is under way has ended, and begins nothing more", async () => {
    const begun: number[] = [];
    const work = concurrently([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await new Promise((resolve) => setImmediate(resolve));
      if (item === 2) throw new Error("no");
    });
    await assert.rejects(work, /no/);
    assert.ok(!begun.includes(6));
  });
});

describe("an answer that is taken for none", () => {
  it("is that of one status, and no other error", async () => {
    const failing = (error: Error) => () => Promise.reject(error);
    assert.equal(await ignoring(404, failing(new ApiError(404, "gone"))), undefined);
    assert.equal(await ignoring(404, async () => 7), 7);
    await assert.rejects(ignoring(404, failing(new ApiError(403, "no"))), /no/);
    await assert.rejects(ignoring(404, failing(new Error("down"))), /down/);
  });
});
