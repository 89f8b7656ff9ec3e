import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../../../../scripts/lib/failure.ts";
import { inOrder, readTrace, type TracePod, writeTrace } from "../../../../scripts/simulation/replay/trace.ts";

const NODES = "name,cpu,memoryGiB,gpus,gpuModel,count\n";
const PODS = "name,cpu,memoryGiB,gpus,gpuFraction,gpuModel,arrivalSeconds,durationSeconds\n";
const NODE = "n,8,32,2,H100,\n";
const POD = "p,1,2,1,,,0,60\n";

const read = (nodes: string, pods: string) =>
  readTrace({ file: "nodes.csv", text: nodes }, { file: "pods.csv", text: pods });

function refusal(nodes: string, pods: string): string {
  try {
    read(nodes, pods);
  } catch (error) {
    assert.ok(error instanceof Failure);
    return error.message;
  }
  return assert.fail("it was taken");
}

describe("a trace's files", () => {
  it("give nodes, as many as their count, and pods by their arrival", () => {
    const { nodes, pods } = read(
      `${NODES}big,96,384,8,H100,2\nsmall,0.5,1.5,0,,\n`,
      `${PODS}late,1,1,2,0,H100|H200,60,5\nearly,0.25,,,0.81,,0.5,1e3\n`,
    );
    const machine = { cpuMilli: 96_000, memoryMiB: 393_216, gpus: 8, gpuModel: "H100" };
    assert.deepEqual(nodes, [
      { name: "big-1", ...machine },
      { name: "big-2", ...machine },
      { name: "small", cpuMilli: 500, memoryMiB: 1536, gpus: 0, gpuModel: "" },
    ]);
    assert.deepEqual(pods, [
      {
        name: "early",
        cpuMilli: 250,
        memoryMiB: 0,
        gpuMilli: 810,
        gpuModels: [],
        arrivalSeconds: 0.5,
        durationSeconds: 1000,
      },
      {
        name: "late",
        cpuMilli: 1000,
        memoryMiB: 1024,
        gpuMilli: 2000,
        gpuModels: ["H100", "H200"],
        arrivalSeconds: 60,
        durationSeconds: 5,
      },
    ]);
  });

  const badNodes: readonly (readonly [row: string, said: RegExp])[] = [
    ["N,8,32,0,,", /nodes\.csv:2: name: must be up to 232.*found "N"/],
    ["n,0,32,0,,", /nodes\.csv:2: cpu: must be a number above 0 to 4096 \(found "0"\)/],
    ["n,8,much,0,,", /memoryGiB: must be a number above 0.*found "much"/],
    ["n,8,32,1.5,H100,", /gpus: must be a whole number from 0 to 72 \(found "1.5"\)/],
    ["n,8,32,2,,", /gpuModel: must be one model/],
    ["n,8,32,2,A|B,", /gpuModel: must be one model/],
    ["n,8,32,0,H100,", /gpuModel: must be empty where gpus is 0/],
    ["n,8,32,0,,0", /count: must be a whole number from 1/],
    ["n,8,32,0,", /must have 6 cells like the first line, and has 5/],
    ["n,8,32,0,,\nn,8,32,0,,", /nodes\.csv:3: name: must be unique, and line 2 has it too/],
    ["n-1,8,32,0,,\nn,8,32,0,,2", /nodes\.csv:3: name: must be unique.*found "n-1"/],
  ];
  for (const [row, said] of badNodes) {
    it(`are refused for a node ${JSON.stringify(row)}`, () =>
      assert.match(refusal(`${NODES}${row}\n`, PODS + POD), said));
  }

  const badPods: readonly (readonly [row: string, said: RegExp])[] = [
    ["p,1,2,1,0.5,,0,60", /pods\.csv:2: gpuFraction: must be empty or 0 beside gpus 1/],
    ["p,1,2,,1,,0,60", /gpuFraction: must be below 1: a whole GPU is gpus 1/],
    ["p,1,2,,0.0001,,0,60", /gpuFraction: must be at least 0.001/],
    ["p,1,2,,,H100,0,60", /gpuModel: must be empty for a pod without GPUs/],
    ["p,1,2,1,,H100||,0,60", /gpuModel: must be models of GPUs with \|/],
    ["p,1,2,1,,,-1,60", /arrivalSeconds: must be a number from 0/],
    ["p,1,2,1,,,,60", /arrivalSeconds: must be a number.*found ""/],
    ["p,1,2,1,,,0,0", /durationSeconds: must be a number above 0/],
    ["p,-1,2,1,,,0,1", /cpu: must be a number from 0/],
  ];
  for (const [row, said] of badPods) {
    it(`are refused for a pod ${JSON.stringify(row)}`, () =>
      assert.match(refusal(NODES + NODE, `${PODS}${row}\n`), said));
  }

  it("are refused with every problem of both, the first twenty in full", () => {
    const message = refusal(`${NODES}n,x,y,0,,\n`, `${PODS}${"p,1,2,1,,,0,0\n".repeat(30)}`);
    assert.match(message, /32 rows that cannot be read/);
    assert.match(message, /nodes\.csv:2: cpu:[\s\S]*nodes\.csv:2: memoryGiB:[\s\S]*pods\.csv:2: durationSeconds/);
    assert.match(message, /and 12 more/);
  });

  it("are refused by their columns, and where there is no row", () => {
    assert.match(refusal("name,cpu\n", PODS + POD), /nodes\.csv lacks memoryGiB, gpus, gpuModel/);
    assert.match(refusal(NODES + NODE, `${PODS.trim()},priority\n`), /pods\.csv has "priority", which it may not/);
    assert.match(refusal(NODES + NODE, PODS), /pods\.csv:1: must be followed by at least one row/);
    assert.match(refusal('name\n"', PODS), /nodes\.csv is not CSV: line 2/);
  });

  it("are read as they were written", () => {
    const pod = fc.record({
      cpuMilli: fc.nat(4_000_000),
      memoryMiB: fc.nat(1_000_000),
      gpuMilli: fc.oneof(
        fc.nat(999),
        fc.integer({ min: 1, max: 72 }).map((gpus) => 1000 * gpus),
      ),
      arrivalSeconds: fc.nat(1_000_000),
      durationSeconds: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(pod, { minLength: 1, maxLength: 20 }), fc.boolean(), (drawn, constrained) => {
        const pods: TracePod[] = drawn.map((each, at) => ({
          name: `p-${at}`,
          ...each,
          gpuModels: constrained && each.gpuMilli > 0 ? ["A", "B"] : [],
        }));
        const nodes = [{ name: "n", cpuMilli: 1500, memoryMiB: 1000, gpus: 1, gpuModel: "A" }];
        const files = writeTrace({ nodes, pods });
        assert.deepEqual(read(files.nodes, files.pods), { nodes, pods: inOrder(pods) });
      }),
    );
  });
});
