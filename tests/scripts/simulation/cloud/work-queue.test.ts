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
      queue.add(String(at), async () => {
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
    queue.add("passing", failing("passing", new ApiError(503, "busy"), 1));
    queue.add("gone", failing("gone", new ApiError(404, "gone"), 9));
    queue.add("refused", failing("refused", refused, 9));
    queue.add("down", failing("down", down, 9));
    await queue.idle();
    assert.deepEqual(tries, { passing: 2, gone: 1, refused: 1, down: 3 });
    assert.deepEqual(errors, [refused, down]);
  });

  it("does what is about the same object one after the other, in order, however long each takes", async () => {
    const queue = new WorkQueue(4, (error) => assert.fail(String(error)));
    const done: string[] = [];
    for (const [name, milliseconds] of [
      ["a1", 20],
      ["b1", 1],
      ["a2", 1],
      ["a3", 1],
      ["b2", 1],
    ] as const) {
      queue.add(name[0]!, async () => {
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        done.push(name);
      });
    }
    await queue.idle();
    assert.deepEqual(
      done.filter((name) => name.startsWith("a")),
      ["a1", "a2", "a3"],
    );
    assert.deepEqual(
      done.filter((name) => name.startsWith("b")),
      ["b1", "b2"],
    );
    assert.equal(done[0], "b1");
  });
});
