import assert from "node:assert/strict";
import fc from "fast-check";
import {
  endOf,
  FAILED_UNTIL_ANNOTATION,
  indexOf,
  isReady,
  type Machine,
  machineOf,
  type NodeObject,
  nodeNameOf,
  nodeObject,
  nodesToReplace,
  readyCondition,
  shapeOf,
  wantedNodes,
} from "../../../../scripts/simulation/cloud/nodes.ts";
import { poolObject, simulation } from "./fixtures.ts";

const NOW = new Date("2026-11-25T00:00:00.123Z");
const DAY = 86_400;

describe("a simulated node", () => {
  it("has what its pool says, and is ready at once", () => {
    const pool = poolObject("h100", {
      provisioning: { kind: "simulated", instanceType: "p5.48xlarge", capacity: { kind: "spot" } },
      machine: undefined,
      labels: { tier: "gold" },
    });
    const node = nodeObject(pool, 4, 2, 99.6, NOW);
    assert.equal(node.metadata.name, "h100-4");
    assert.deepEqual(node.status.capacity, node.status.allocatable);
    assert.equal(node.status.capacity.cpu, "192");
    assert.equal((node.status.capacity as Record<string, string>)["nvidia.com/gpu"], "8");
    const labels: Record<string, string> = node.metadata.labels;
    assert.equal(labels["tier"], "gold");
    assert.equal(labels["millwright.dev/pool"], "h100");
    assert.equal(labels["node.kubernetes.io/instance-type"], "p5.48xlarge");
    assert.equal(labels["topology.kubernetes.io/zone"], "simulated-b");
    assert.deepEqual(node.spec.taints, [{ key: "nvidia.com/gpu", effect: "NoSchedule" }]);
    assert.ok(isReady(node as NodeObject));
    assert.deepEqual(machineOf(node), {
      name: "h100-4",
      pool: "h100",
      life: 2,
      sinceSeconds: 100,
      shape: shapeOf(pool.spec),
    });
  });

  it("is read as failed until it is replaced, or for good", () => {
    const node = nodeObject(poolObject("a"), 0, 0, 0, NOW);
    const failed = (until: string) =>
      machineOf({
        ...node,
        metadata: { ...node.metadata, annotations: { ...node.metadata.annotations, [FAILED_UNTIL_ANNOTATION]: until } },
      })?.failedUntilSeconds;
    assert.equal(failed("120"), 120);
    assert.equal(failed("never"), Number.POSITIVE_INFINITY);
    assert.equal(machineOf({ metadata: { name: "somebody-elses" } }), undefined);
  });

  it("is not ready while its condition says so, or the controllers have tainted it", () => {
    const node: NodeObject = nodeObject(poolObject("a"), 0, 0, 0, NOW);
    const conditions = [readyCondition("False", "AcceleratorFailed", NOW)];
    assert.ok(!isReady({ ...node, status: { conditions } }));
    const taints = [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }];
    assert.ok(!isReady({ ...node, spec: { taints } }));
    assert.equal(conditions[0]?.lastTransitionTime, "2026-11-25T00:00:00Z");
  });

  it("has a number in its pool, and in no pool whose name begins alike", () => {
    fc.assert(fc.property(fc.nat(99_999), (index) => assert.equal(indexOf("h100", nodeNameOf("h100", index)), index)));
    for (const name of ["h100-spot-1", "h100-01", "h100-", "h100", "a-1"])
      assert.equal(indexOf("h100", name), undefined);
  });
});

describe("the end of a machine's life", () => {
  const machine = (name: string, more: Partial<Machine> = {}): Machine => ({
    name,
    pool: "p",
    life: 0,
    sinceSeconds: 0,
    shape: "",
    ...more,
  });
  const gpus = poolObject("p").spec;
  const many = Array.from({ length: 5000 }, (_, at) => machine(`p-${at}`));
  const meanDays = (spec: typeof gpus, settings = simulation()) =>
    many.reduce((sum, each) => sum + endOf(each, spec, settings).atSeconds, 0) / many.length / DAY;

  it("is the same for the same seed, name and life, and another otherwise", () => {
    const end = (each: Machine, seed = 17) => endOf(each, gpus, simulation({ seed })).atSeconds;
    assert.equal(end(machine("p-1")), end(machine("p-1")));
    assert.notEqual(end(machine("p-1")), end(machine("p-1"), 18));
    assert.notEqual(end(machine("p-1")), end(machine("p-2")));
    assert.notEqual(end(machine("p-1")), end(machine("p-1", { life: 1 })));
    assert.equal(end(machine("p-1", { sinceSeconds: 1000 })), end(machine("p-1")) + 1000);
  });

  it("comes, of eight accelerators, after an eighth of the days of one on average", () => {
    const days = meanDays(gpus);
    assert.ok(Math.abs(days - 2111 / 8) < 0.05 * (2111 / 8), String(days));
    assert.equal(endOf(many[0]!, gpus, simulation()).kind, "failure");
  });

  it("never comes without accelerators, and on spot capacity comes by being taken back as well", () => {
    const cpu = poolObject("p", { machine: { cpu: 8, memoryGiB: 32 } }).spec;
    assert.equal(endOf(many[0]!, cpu, simulation()).atSeconds, Number.POSITIVE_INFINITY);
    const spot = { ...cpu, capacity: { kind: "spot" } };
    assert.equal(endOf(many[0]!, spot, simulation()).kind, "reclaim");
    const days = meanDays(spot, simulation({ spotReclaimsPerDay: 0.5 }));
    assert.ok(Math.abs(days - 2) < 0.1, String(days));
    assert.equal(endOf(many[0]!, spot, simulation({ spotReclaimsPerDay: 0 })).atSeconds, Number.POSITIVE_INFINITY);
    // Both at random: of a rate a and a rate b, the earlier comes at a + b.
    const both = meanDays({ ...gpus, capacity: { kind: "spot" } }, simulation({ spotReclaimsPerDay: 8 / 2111 }));
    assert.ok(Math.abs(both - 2111 / 16) < 0.05 * (2111 / 16), String(both));
  });
});

describe("nodes whose pool has changed", () => {
  const node = (name: string, isChanged: boolean, isReady = true, pods = 0) => ({ name, isChanged, isReady, pods });
  const names = (nodes: readonly { name: string }[]) => nodes.map(({ name }) => name);

  it("are told by what their machines are made by, not by how many there are", () => {
    const shape = shapeOf(poolObject("p").spec);
    assert.equal(shapeOf(poolObject("p", { size: { kind: "fixed", nodes: 9 } }).spec), shape);
    assert.notEqual(shapeOf(poolObject("p", { labels: { a: "b" } }).spec), shape);
    assert.notEqual(shapeOf(poolObject("p", { machine: { cpu: 1, memoryGiB: 1 } }).spec), shape);
  });

  it("go one at a time from a small pool, the emptiest first, and none while another is away", () => {
    const pool = [node("a", true, true, 3), node("b", true), node("c", false)];
    assert.deepEqual(names(nodesToReplace(pool, 3)), ["b"]);
    assert.deepEqual(nodesToReplace([node("a", true), node("b", false, false)], 2), []);
    assert.deepEqual(nodesToReplace(pool, 4), []);
    assert.deepEqual(nodesToReplace([node("a", false)], 1), []);
  });

  it("go a tenth at a time from a large one", () => {
    const pool = Array.from({ length: 50 }, (_, at) => node(`n-${at}`, at % 2 === 0));
    assert.equal(nodesToReplace(pool, 50).length, 5);
  });
});

describe("nodes a pool should have", () => {
  const demand = { min: 2, max: 10, present: 5, busy: 3, idle: 0, pending: 0 };
  const cases: readonly (readonly [what: string, change: Partial<typeof demand>, nodes: number])[] = [
    ["stay as they are", {}, 5],
    ["grow by what waits", { pending: 3 }, 8],
    ["grow to the most at most", { pending: 30 }, 10],
    ["shrink by what has been idle for long", { idle: 1 }, 4],
    ["never shrink below what is busy", { idle: 5 }, 3],
    ["never shrink below the least", { busy: 0, idle: 5 }, 2],
    ["do not shrink while something waits", { idle: 2, pending: 1 }, 6],
    ["begin at the least", { present: 0, busy: 0 }, 2],
    ["are as many as they are fixed at", { min: 7, max: 7, idle: 2 }, 7],
  ];
  for (const [what, change, nodes] of cases) {
    it(what, () => assert.equal(wantedNodes({ ...demand, ...change }), nodes));
  }

  it("are always within bounds", () => {
    const nat = fc.nat(50);
    fc.assert(
      fc.property(nat, nat, nat, nat, nat, nat, (min, more, present, busy, idle, pending) => {
        const nodes = wantedNodes({ min, max: min + more, present, busy, idle, pending });
        assert.ok(nodes >= min && nodes <= min + more);
      }),
    );
  });
});
