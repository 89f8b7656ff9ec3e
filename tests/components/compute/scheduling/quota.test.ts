import assert from "node:assert/strict";
import fc from "fast-check";
import { reachOf, resolveQuota } from "../../../../components/compute/scheduling/quota.ts";
import { amountText, quantityOf, supplyOf } from "../../../../components/compute/scheduling/supply.ts";
import { poolsSchema } from "../../../../stacks/pools.ts";
import { POOLS } from "./fixtures.ts";

const supply = (name: string) => supplyOf(POOLS.find((pool) => pool.name === name)!)!;

describe("what a pool supplies", () => {
  it("is every resource a pod can ask its nodes for, of a node and of all at its largest", () => {
    assert.deepEqual(supply("training").node, {
      cpu: 192_000,
      // 2 TiB less the ten GiB of huge pages.
      memory: 2048 * 1024 - 10 * 1024,
      "nvidia.com/gpu": 8,
      "vpc.amazonaws.com/efa": 32,
      "hugepages-2Mi": 10 * 1024,
    });
    assert.equal(supply("training").total["vpc.amazonaws.com/efa"], 128);
    assert.equal(supply("serving").nodes, 5);
    assert.deepEqual(supply("plain").total, { cpu: 96_000, memory: 3 * 128 * 1024 });
  });

  it("counts devices as the pool divides them", () => {
    assert.equal(supply("parts").total["nvidia.com/mig-1g.10gb"], 2 * 4 * 7);
    assert.equal(supply("turns").total["nvidia.com/gpu.shared"], 4);
  });

  it("is written as the API server stores it, and as people read it", () => {
    const cases: [string, number, string, string][] = [
      ["cpu", 2500, "2500m", "2.5 cores"],
      ["cpu", 4000, "4", "4 cores"],
      ["memory", 512, "512Mi", "0.5 GiB"],
      ["memory", 2048, "2Gi", "2 GiB"],
      ["memory", 0, "0", "0 GiB"],
      ["hugepages-2Mi", 10_240, "10Gi", "10 GiB"],
      ["nvidia.com/gpu", 8, "8", "8"],
    ];
    for (const [resource, amount, quantity, text] of cases) {
      assert.equal(quantityOf(resource, amount), quantity);
      assert.equal(amountText(resource, amount), text);
    }
  });
});

describe("a quota", () => {
  it("is the share by devices of what the stack leaves out, rounded down", () => {
    const { nominal } = resolveQuota({ pool: "training", accelerators: 5 }, supply("training"));
    assert.deepEqual(nominal, {
      cpu: Math.floor((4 * 192_000 * 5) / 32),
      memory: Math.floor((4 * (2038 * 1024) * 5) / 32),
      "nvidia.com/gpu": 5,
      "vpc.amazonaws.com/efa": 20,
      "hugepages-2Mi": 6400,
    });
  });

  it("is as written where it is written", () => {
    const quota = { pool: "serving", accelerators: 4, cpu: 7.5, memoryGiB: 12 };
    assert.deepEqual(resolveQuota(quota, supply("serving")).nominal, {
      cpu: 7500,
      memory: 12 * 1024,
      "nvidia.com/gpu": 4,
    });
  });

  it("lends and borrows of everything in proportion to the devices", () => {
    const { nominal, borrowing, lending } = resolveQuota(
      { pool: "training", accelerators: 16, borrow: 3, lend: 4 },
      supply("training"),
    );
    assert.deepEqual(borrowing, {
      cpu: 72_000,
      memory: (4 * 2038 * 1024 * 3) / 32,
      "nvidia.com/gpu": 3,
      "vpc.amazonaws.com/efa": 12,
      "hugepages-2Mi": 3840,
    });
    assert.equal(lending?.["nvidia.com/gpu"], 4);
    assert.equal(lending?.["cpu"], nominal["cpu"]! / 4);
  });

  it("says no limit where the stack says none", () => {
    const quota = resolveQuota({ pool: "training", accelerators: 16 }, supply("training"));
    assert.ok(!("borrowing" in quota) && !("lending" in quota));
  });

  it("of all teams together is never more than the pool has, however the devices are divided", () => {
    // Of figures that no number of devices divides.
    const odd = { name: "odd", machine: { cpu: 10, memoryGiB: 31, accelerator: "h100", accelerators: 3 } };
    const [pool] = poolsSchema.parse([
      { ...odd, provisioning: { kind: "existing", nodes: ["n"] }, size: { kind: "fixed", nodes: 7 } },
    ]);
    const uneven = supplyOf(pool!)!;
    const devices = uneven.total["nvidia.com/gpu"]!;
    const division = fc.array(fc.integer({ min: 0, max: devices }), { minLength: 1, maxLength: 12 }).map((cuts) => {
      const sorted = [0, ...cuts, devices].sort((a, b) => a - b);
      return sorted.slice(1).map((cut, index) => cut - sorted[index]!);
    });
    fc.assert(
      fc.property(division, (parts) => {
        const quotas = parts.map((accelerators) => resolveQuota({ pool: "odd", accelerators }, uneven).nominal);
        for (const [resource, total] of Object.entries(uneven.total)) {
          const sum = quotas.reduce((all, nominal) => all + nominal[resource]!, 0);
          assert.ok(sum <= total, `${resource}: ${sum} > ${total}`);
          // And nearly all of it is given out: each part loses less than one.
          assert.ok(total - sum < parts.length, `${resource}: ${sum} of ${total}`);
        }
      }),
    );
  });
});

describe("what a team can have", () => {
  const training = supply("training");
  const own = resolveQuota({ pool: "training", accelerators: 8, borrow: 6 }, training);
  const generous = resolveQuota({ pool: "training", accelerators: 16 }, training);
  const careful = resolveQuota({ pool: "training", accelerators: 8, lend: 1 }, training);
  const cases: [string, number, number][] = [
    ["its own where nothing is lent", reachOf(own, [generous], false)["nvidia.com/gpu"]!, 8],
    ["what others lend, up to its own limit", reachOf(own, [generous], true)["nvidia.com/gpu"]!, 14],
    ["no more than others lend", reachOf(own, [careful], true)["nvidia.com/gpu"]!, 9],
    ["all that is lent, without a limit of its own", reachOf(generous, [own, careful], true)["nvidia.com/gpu"]!, 25],
  ];
  for (const [what, found, expected] of cases) {
    it(`is ${what}`, () => assert.equal(found, expected));
  }
});
