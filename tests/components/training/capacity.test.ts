import assert from "node:assert/strict";
import fc from "fast-check";
import { type Capacity, capacityProblems, parallelWorkOf } from "../../../components/training/capacity.ts";
import { RECORDER_RESOURCES } from "../../../components/training/defaults.ts";
import { MODEL } from "../fixtures.ts";
import { TUNED } from "./fixtures.ts";

const asked = (workers: number, cpu: number, memoryGiB: number) => ({
  path: "search",
  workers,
  resources: { cpu, memoryGiB },
});

const CASES: [what: string, ...Parameters<typeof capacityProblems>, path?: string, says?: RegExp][] = [
  ["as many as there is room for", asked(3, 0.5, 2), { cpu: 2, memoryGiB: 16 }],
  [
    "one more than the cores hold",
    asked(4, 0.5, 2),
    { cpu: 2, memoryGiB: 16 },
    "search.workers",
    /^must be at most 3: a worker requests 0\.51 cores \(0\.5, and 0\.01 of its recorder\) and 2\.125 GiB .* so 4 at a time request 2\.04 cores and 8\.5 GiB; the capacity has 2 cores and 16 GiB\.$/,
  ],
  [
    "one more than the memory holds",
    asked(8, 0.1, 2),
    { cpu: 16, memoryGiB: 15 },
    "search.workers",
    /^must be at most 7: .* 8 at a time request 0\.88 cores and 17 GiB/,
  ],
  // By the sums alone there would be room: 4 nodes have 8 cores, and 3 x 1.51 are 4.53.
  ["pods that lie side by side on no node", asked(4, 1.5, 1), { nodes: 4, cpu: 2, memoryGiB: 8 }],
  [
    "more than the nodes hold each for itself",
    asked(5, 1.5, 1),
    { nodes: 4, cpu: 2, memoryGiB: 8, name: "pool research" },
    "search.workers",
    /^must be at most 4 \(4 x 1\): .*; pool research has 4 nodes of 2 cores and 8 GiB\.$/,
  ],
  [
    "a worker that fits on no node",
    asked(1, 2, 1),
    { nodes: 9, cpu: 2, memoryGiB: 8 },
    "search.resources",
    /^must fit on a node: a worker requests 2\.01 cores .*; the capacity has 9 nodes of 2 cores and 8 GiB\.$/,
  ],
  ["what fills a node to the last bit", asked(3, 0.09, 0.275), { cpu: 0.3, memoryGiB: 1.2 }],
];

/** Not proven: that a cluster that has the capacity has it free. */
describe("the capacity for what runs in parallel", () => {
  for (const [what, work, capacity, path, says] of CASES) {
    it(`${path === undefined ? "takes" : "refuses"} ${what}`, () => {
      const problems = capacityProblems(work, capacity);
      assert.deepEqual(
        problems.map((problem) => problem.path),
        path === undefined ? [] : [path],
      );
      assert.match(problems[0]?.message ?? "", says ?? /^$/);
    });
  }

  it("refuses exactly what cannot be packed", () => {
    const amount = fc.integer({ min: 1, max: 64 }).map((eighths) => eighths / 8);
    fc.assert(
      fc.property(fc.nat({ max: 40 }), amount, amount, fc.integer({ min: 1, max: 5 }), amount, amount, (...given) => {
        const [workers, cpu, memoryGiB, nodes, nodeCpu, nodeMemoryGiB] = given;
        const capacity: Capacity = { nodes, cpu: 2 * nodeCpu, memoryGiB: 2 * nodeMemoryGiB };
        let left = workers;
        for (let node = 0; node < nodes; node += 1) {
          let free = { cpu: capacity.cpu, memoryGiB: capacity.memoryGiB };
          const takes = { cpu: cpu + RECORDER_RESOURCES.cpu, memoryGiB: memoryGiB + RECORDER_RESOURCES.memoryGiB };
          while (left > 0 && free.cpu + 1e-6 >= takes.cpu && free.memoryGiB + 1e-6 >= takes.memoryGiB) {
            free = { cpu: free.cpu - takes.cpu, memoryGiB: free.memoryGiB - takes.memoryGiB };
            left -= 1;
          }
        }
        assert.equal(capacityProblems(asked(workers, cpu, memoryGiB), capacity).length, left === 0 ? 0 : 1);
      }),
    );
  });

  it("is asked by the trials of a search and by the workers of a training", () => {
    assert.deepEqual(
      parallelWorkOf(TUNED).map(({ path, workers }) => [path, workers]),
      [
        ["search", 3],
        ["training", 2],
      ],
    );
    assert.deepEqual(
      parallelWorkOf(MODEL).map(({ path }) => path),
      ["training"],
    );
  });
});
