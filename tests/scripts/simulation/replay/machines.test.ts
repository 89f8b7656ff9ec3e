import assert from "node:assert/strict";
import fc from "fast-check";
import { fragmentMilli, Machines, type NodeRoom, typicalPods } from "../../../../scripts/simulation/replay/machines.ts";
import type { TraceNode, TracePod } from "../../../../scripts/simulation/replay/trace.ts";

const NODE: TraceNode = { name: "n", cpuMilli: 16_000, memoryMiB: 65_536, gpus: 4, gpuModel: "H100" };
const POD: TracePod = {
  name: "p",
  cpuMilli: 1000,
  memoryMiB: 1024,
  gpuMilli: 1000,
  gpuModels: [],
  arrivalSeconds: 0,
  durationSeconds: 1,
};
const pod = (name: string, gpuMilli: number, more: Partial<TracePod> = {}): TracePod => ({
  ...POD,
  name,
  gpuMilli,
  ...more,
});
const room = (...gpuMilli: number[]): NodeRoom => ({ node: NODE, cpuMilli: 16_000, memoryMiB: 65_536, gpuMilli });

describe("fragments of a node", () => {
  const whole = typicalPods([pod("a", 1000)]);
  const cases: readonly (readonly [what: string, room: NodeRoom, workload: TracePod[], milli: number])[] = [
    ["nothing of a free node for one GPU", room(1000, 1000, 1000, 1000), [pod("a", 1000)], 0],
    ["the part that is left of a shared device, for one GPU", room(190, 1000, 0, 0), [pod("a", 1000)], 190],
    ["all that is free where too few devices are", room(1000, 1000, 1000, 0), [pod("a", 4000)], 3000],
    ["what has less room than a part wants", room(190, 500, 1000, 0), [pod("a", 470)], 190],
    ["everything where no device has the part", room(190, 300, 0, 0), [pod("a", 470)], 490],
    ["everything for another model", room(1000, 0, 0, 0), [pod("a", 1000, { gpuModels: ["T4"] })], 1000],
    ["everything where cores lack", room(1000, 1000, 0, 0), [pod("a", 1000, { cpuMilli: 16_001 })], 2000],
    ["everything where memory lacks", room(1000, 1000, 0, 0), [pod("a", 1000, { memoryMiB: 65_537 })], 2000],
    // Half of the pods want one GPU: 190; half want four: 1190.
    ["the mean over the workload", room(190, 1000, 0, 0), [pod("a", 1000), pod("b", 4000)], 690],
    ["the same whether pods without GPUs come too", room(190, 1000, 0, 0), [pod("a", 1000), pod("c", 0)], 190],
  ];
  for (const [what, of, workload, milli] of cases) {
    it(`are ${what}`, () => assert.equal(fragmentMilli(of, typicalPods(workload)), milli));
  }

  it("are never less than nothing nor more than what is free", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { maxLength: 8 }),
        fc.array(fc.nat(8000), { minLength: 1, maxLength: 5 }),
        (free, asked) => {
          const workload = typicalPods(asked.map((milli, at) => pod(`p-${at}`, milli)));
          const fragments = fragmentMilli(room(...free), workload);
          const total = free.reduce((sum, milli) => sum + milli, 0);
          assert.ok(fragments >= 0 && fragments <= total + 1e-6);
        },
      ),
    );
    assert.equal(whole[0]?.share, 1);
  });
});

describe("machines", () => {
  it("give a part to the device with the least room that has enough, and whole ones to free devices", () => {
    const machines = new Machines([NODE], typicalPods([pod("x", 1000)]));
    machines.place(pod("a", 810), "n");
    machines.place(pod("b", 470), "n");
    machines.place(pod("c", 470), "n");
    // a | b c | free | free: 190, 60 are left over for whole ones.
    assert.equal(machines.usedMilli, 1750);
    assert.equal(machines.fragmentMilli, 250);
    machines.place(pod("d", 2000), "n");
    assert.equal(machines.fragmentMilli, 250);
    assert.equal(machines.straddling, 0);
    machines.release(pod("c", 470));
    assert.equal(machines.fragmentMilli, 720);
  });

  it("count a pod that only several devices together had room for, and give back what it had", () => {
    const machines = new Machines([{ ...NODE, gpus: 2 }], typicalPods([pod("x", 1000)]));
    machines.place(pod("a", 810), "n");
    machines.place(pod("b", 810), "n");
    machines.place(pod("c", 300), "n");
    assert.equal(machines.straddling, 1);
    assert.equal(machines.usedMilli, 1920);
    for (const name of ["a", "b"]) machines.release(pod(name, 810));
    machines.release(pod("c", 300));
    assert.equal(machines.usedMilli, 0);
    assert.equal(machines.fragmentMilli, 0);
    assert.equal(machines.freeNodes, 1);
  });

  it("refuse what cannot be", () => {
    const machines = new Machines([NODE], []);
    assert.throws(() => machines.place(POD, "elsewhere"), /no node elsewhere/);
    assert.throws(() => machines.place(pod("big", 5000), "n"), /no room for big/);
    machines.place(POD, "n");
    assert.throws(() => machines.place(POD, "n"), /placed already/);
    assert.throws(() => machines.release(pod("q", 1)), /q is nowhere/);
  });

  it("end as they began, whatever came and went in whatever order", () => {
    const moves = fc.array(fc.record({ milli: fc.nat(4000), go: fc.nat(100) }), { maxLength: 40 });
    fc.assert(
      fc.property(moves, (drawn) => {
        const nodes = [NODE, { ...NODE, name: "m" }];
        const machines = new Machines(nodes, typicalPods([pod("x", 2000), pod("y", 300)]));
        const begin = [machines.usedMilli, machines.fragmentMilli, machines.freeNodes];
        const present: TracePod[] = [];
        for (const [at, { milli, go }] of drawn.entries()) {
          const wanted = milli > 1000 ? 1000 * Math.floor(milli / 1000) : milli;
          const one = pod(`p-${at}`, wanted, { cpuMilli: 10, memoryMiB: 10 });
          const used = present.reduce((sum, { gpuMilli }) => sum + gpuMilli, 0);
          assert.equal(machines.usedMilli, used);
          try {
            machines.place(one, at % 2 === 0 ? "n" : "m");
            present.push(one);
          } catch {
            const [gone] = present.splice(go % Math.max(1, present.length), 1);
            if (gone !== undefined) machines.release(gone);
          }
        }
        for (const one of present) machines.release(one);
        assert.deepEqual(
          [machines.usedMilli, Math.round(machines.fragmentMilli * 1e6) / 1e6, machines.freeNodes],
          begin,
        );
      }),
    );
  });
});
