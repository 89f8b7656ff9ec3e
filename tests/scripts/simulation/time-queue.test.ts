import assert from "node:assert/strict";
import fc from "fast-check";
import { TimeQueue } from "../../../scripts/simulation/time-queue.ts";

describe("a queue by time", () => {
  it("gives what is due, in order of time and then of addition, as a sorted list would", () => {
    const moves = fc.array(fc.record({ add: fc.array(fc.nat(20), { maxLength: 5 }), take: fc.nat(25) }));
    fc.assert(
      fc.property(moves, (drawn) => {
        const queue = new TimeQueue<number>();
        let list: { at: number; item: number }[] = [];
        let count = 0;
        for (const { add, take } of drawn) {
          for (const at of add) {
            queue.add(at, count);
            list.push({ at, item: count });
            count += 1;
          }
          list.sort((a, b) => a.at - b.at || a.item - b.item);
          assert.equal(queue.first(), list[0]?.at ?? Number.POSITIVE_INFINITY);
          const due = list.filter(({ at }) => at <= take).map(({ item }) => item);
          assert.deepEqual(queue.take(take), due);
          list = list.filter(({ at }) => at > take);
        }
      }),
    );
  });
});
