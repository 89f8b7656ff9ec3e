import assert from "node:assert/strict";
import { ApiError } from "../../../../components/lifecycle/cluster.ts";
import { WorkQueue } from "../../../../scripts/simulation/cloud/work-queue.ts";

describe("a work queue", () => {
  it("does everything, in order of asking and at most so much at once", async () => {
    const queue = new WorkQueue(3, (error) => assert.fail(String(error)));
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    for (let at = 0; at < 2500; at += 1) {
      queue.add(async () => {
        begun.push(at);
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
      });
    }
    await queue.idle();
    assert.deepEqual(begun, [...begun.keys()]);
    assert.equal(begun.length, 2500);
    assert.equal(most, 3);
    assert.equal(queue.length, 0);
    await queue.idle();
  });

  it("tries again what may pass, and reports what does not and what is refused; what is gone is neither", async () => {
    const errors: unknown[] = [];
    const queue = new WorkQueue(1, (error) => errors.push(error));
    const tries: Record<string, number> = {};
    const failing = (name: string, error: Error, times: number) => async () => {
      tries[name] = (tries[name] ?? 0) + 1;
      if (tries[name] <= times) throw error;
    };
    const refused = new ApiError(422, "refused");
    const down = new Error("ECONNREFUSED");
    queue.add(failing("passing", new ApiError(503, "busy"), 1));
    queue.add(failing("gone", new ApiError(404, "gone"), 9));
    queue.add(failing("refused", refused, 9));
    queue.add(failing("down", down, 9));
    await queue.idle();
    assert.deepEqual(tries, { passing: 2, gone: 1, refused: 1, down: 3 });
    assert.deepEqual(errors, [refused, down]);
  });
});
