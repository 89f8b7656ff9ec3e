import assert from "node:assert/strict";
import { ACCELERATORS, type AcceleratorName } from "../../../components/catalog/accelerators.ts";
import {
  devicesOf,
  INSTANCE_TYPES,
  type InstanceType,
  type InstanceTypeName,
  instanceTypesWith,
  isInstanceTypeName,
  priceOf,
} from "../../../components/catalog/instance-types.ts";
import { PRICES_READ, PRICES_USD_PER_HOUR, type Region } from "../../../components/catalog/prices.ts";

/** The table of AWS's instance types and its joins with devices and prices. AWS is not asked. */

const ROWS = Object.entries(INSTANCE_TYPES) as [InstanceTypeName, InstanceType][];
const REGIONS = Object.keys(PRICES_READ) as Region[];

/** Rows known by heart, written down a second time: devices, vCPUs, GiB, Gbps, EFA interfaces, NVMe GB. */
const KNOWN: Partial<Record<InstanceTypeName, readonly [string, number, number, number, number, number]>> = {
  "g4dn.xlarge": ["1 t4", 4, 16, 5, 0, 125],
  "g5.48xlarge": ["8 a10g", 192, 768, 100, 1, 7600],
  "g6e.12xlarge": ["4 l40s", 48, 384, 100, 1, 3800],
  "g7e.48xlarge": ["8 rtx-pro-6000", 192, 2048, 1600, 4, 15_200],
  "p4d.24xlarge": ["8 a100-40gb", 96, 1152, 400, 4, 8000],
  "p4de.24xlarge": ["8 a100-80gb", 96, 1152, 400, 4, 8000],
  "p5.48xlarge": ["8 h100", 192, 2048, 3200, 32, 30_400],
  "p5en.48xlarge": ["8 h200", 192, 2048, 3200, 16, 30_400],
  "p6-b300.48xlarge": ["8 b300", 192, 4096, 6400, 16, 30_400],
  "p6e-gb200.36xlarge": ["4 gb200", 144, 960, 1600, 4, 22_500],
  "trn2.48xlarge": ["16 trainium2", 192, 2048, 3200, 16, 7600],
  "inf2.48xlarge": ["12 inferentia2", 192, 768, 100, 0, 0],
  "m7i.large": ["none", 2, 8, 0.781, 0, 0],
};

/** GiB of accelerator memory AWS advertises for a whole machine. */
const ADVERTISED_GIB: Partial<Record<InstanceTypeName, number>> = {
  "g5.48xlarge": 179,
  "g6e.48xlarge": 358,
  "p4d.24xlarge": 320,
  "p5.48xlarge": 640,
  "p5e.48xlarge": 1128,
  "p6-b200.48xlarge": 1432,
  "p6-b300.48xlarge": 2148,
  "trn1.32xlarge": 512,
  "trn2.48xlarge": 1536,
  "inf2.48xlarge": 384,
};

describe("instance types", () => {
  for (const [name, known] of Object.entries(KNOWN) as [InstanceTypeName, (typeof KNOWN)[InstanceTypeName]][]) {
    it(`${name}: is what AWS says`, () => {
      const { accelerator, vcpus, memoryMiB, networkGbps, efaInterfaces, nvmeGB } = INSTANCE_TYPES[name];
      const devices = accelerator === undefined ? "none" : `${accelerator.count} ${accelerator.name}`;
      assert.deepEqual([devices, vcpus, memoryMiB / 1024, networkGbps, efaInterfaces, nvmeGB], known);
    });
  }

  for (const [name, advertisedGiB] of Object.entries(ADVERTISED_GIB) as [InstanceTypeName, number][]) {
    it(`${name}: has devices of ${advertisedGiB} GiB together`, () => {
      const devices = devicesOf(name);
      assert.ok(devices);
      const nominalGiB = (devices.count * devices.device.nominalMemoryMiB) / 1024;
      assert.ok(Math.abs(nominalGiB / advertisedGiB - 1) < 0.005, `${nominalGiB}`);
    });
  }

  it("are in the families the fleet is made of", () => {
    assert.deepEqual([...new Set(ROWS.map(([, { family }]) => family))].sort(), [
      "c7i",
      "g4dn",
      "g5",
      "g6",
      "g6e",
      "g7",
      "g7e",
      "inf2",
      "m7g",
      "m7i",
      "p4d",
      "p4de",
      "p5",
      "p5e",
      "p5en",
      "p6-b200",
      "p6-b300",
      "p6e-gb200",
      "r7i",
      "trn1",
      "trn1n",
      "trn2",
    ]);
  });

  for (const [name, row] of ROWS) {
    it(`${name}: agrees with itself`, () => {
      assert.ok(name.startsWith(`${row.family}.`));
      assert.match(row.source, /https:\/\//);
      assert.match(row.readOn, /^20\d\d-\d\d-\d\d$/);
      for (const count of [row.vcpus, row.memoryMiB, row.networkCards]) assert.ok(Number.isInteger(count) && count > 0);
      assert.ok(row.networkGbps > 0 && Number.isInteger(row.nvmeGB) && row.nvmeGB >= 0);
      if (row.accelerator !== undefined) {
        assert.ok(Object.hasOwn(ACCELERATORS, row.accelerator.name));
        assert.ok(Number.isInteger(row.accelerator.count) && row.accelerator.count >= 1);
      }
      // Every other device there is sits in a machine with an Intel or AMD processor.
      assert.equal(row.architecture === "arm64", ["m7g", "p6e-gb200"].includes(row.family));
    });

    it(`${name}: has EFA only on a network of its size`, () => {
      assert.ok(row.efaInterfaces <= row.networkCards);
      if (row.efaInterfaces === 0) return;
      // AWS gives it from 25 Gbps, and a card carries no more than 400.
      assert.ok(row.networkGbps >= 25);
      const gbpsAnInterface = row.networkGbps / row.efaInterfaces;
      assert.ok(gbpsAnInterface >= 25 && gbpsAnInterface <= 400, `${gbpsAnInterface}`);
    });

    it(`${name}: can be had in some way, and by the hour only where there is a price by the hour`, () => {
      assert.ok(row.capacity.length > 0);
      assert.equal(new Set(row.capacity).size, row.capacity.length);
      assert.equal(row.capacity.includes("onDemand"), Object.keys(row.pricesUsdPerHour).length > 0);
      assert.equal(row.capacity.includes("reserved"), row.capacity.includes("onDemand"));
    });
  }

  it("sells capacity blocks of the large training machines alone", () => {
    assert.deepEqual(
      ROWS.filter(([, { capacity }]) => capacity.includes("capacityBlock")).map(([name]) => name),
      [
        "p4d.24xlarge",
        "p4de.24xlarge",
        "p5.4xlarge",
        "p5.48xlarge",
        "p5e.48xlarge",
        "p5en.48xlarge",
        "p6-b200.48xlarge",
        "p6-b300.48xlarge",
        "p6e-gb200.36xlarge",
        "trn1.32xlarge",
        "trn2.48xlarge",
      ],
    );
  });

  it("knows its names", () => {
    assert.ok(isInstanceTypeName("p5.48xlarge"));
    assert.ok(!isInstanceTypeName("p5.49xlarge"));
    assert.ok(!isInstanceTypeName("toString"));
  });

  it("joins a machine with its devices, and one without them with none", () => {
    assert.equal(devicesOf("p5.48xlarge")?.device, ACCELERATORS.h100);
    assert.equal(devicesOf("p5.48xlarge")?.count, 8);
    assert.equal(devicesOf("m7i.large"), undefined);
  });
});

describe("instance types with an accelerator", () => {
  it("come with the fewest devices first", () => {
    assert.deepEqual(instanceTypesWith("h100"), ["p5.4xlarge", "p5.48xlarge"]);
    assert.deepEqual(instanceTypesWith("h200"), ["p5e.48xlarge", "p5en.48xlarge"]);
    assert.deepEqual(instanceTypesWith("inferentia2").at(-1), "inf2.48xlarge");
  });

  it("are there for every accelerator", () => {
    for (const name of Object.keys(ACCELERATORS) as AcceleratorName[]) assert.notDeepEqual(instanceTypesWith(name), []);
  });
});

describe("prices", () => {
  it("say for each region where they were read and when", () => {
    for (const { source, readOn } of Object.values(PRICES_READ)) {
      assert.notEqual(source, "");
      assert.match(readOn, /^20\d\d-\d\d-\d\d$/);
    }
    assert.deepEqual(Object.keys(PRICES_USD_PER_HOUR).sort(), [...REGIONS].sort());
    for (const region of REGIONS) assert.ok(Object.keys(PRICES_USD_PER_HOUR[region]).length > 0, region);
  });

  it("are those AWS asks, and undefined where none was read", () => {
    assert.equal(priceOf("p5.48xlarge", "us-east-1"), 55.04);
    assert.equal(priceOf("p5.48xlarge", "eu-west-2"), 71.552);
    assert.equal(priceOf("g4dn.xlarge", "us-east-1"), 0.526);
    assert.equal(priceOf("p5e.48xlarge", "us-east-1"), undefined);
  });

  it("join every price with its row", () => {
    const joined = ROWS.reduce((sum, [, { pricesUsdPerHour }]) => sum + Object.keys(pricesUsdPerHour).length, 0);
    const read = REGIONS.reduce((sum, region) => sum + Object.keys(PRICES_USD_PER_HOUR[region]).length, 0);
    assert.equal(joined, read);
  });

  it("are in us-east-1 for every type that has any", () => {
    for (const [name, { capacity }] of ROWS)
      assert.equal(priceOf(name, "us-east-1") !== undefined, capacity.includes("onDemand"), name);
  });

  for (const region of REGIONS) {
    it(`rise in ${region} with the size, within a family and a number of devices`, () => {
      for (const [a, larger] of ROWS)
        for (const [b, smaller] of ROWS) {
          if (larger.family !== smaller.family || larger.vcpus <= smaller.vcpus) continue;
          if ((larger.accelerator?.count ?? 0) < (smaller.accelerator?.count ?? 0)) continue;
          const [more, less] = [priceOf(a, region), priceOf(b, region)];
          if (more !== undefined && less !== undefined) assert.ok(more > less && less > 0, `${a} ${b}`);
        }
    });
  }

  it("are nowhere less than nine tenths, or more than one and a half times, those of us-east-1", () => {
    for (const [name] of ROWS)
      for (const region of REGIONS) {
        const [here, there] = [priceOf(name, "us-east-1"), priceOf(name, region)];
        if (here !== undefined && there !== undefined)
          assert.ok(there / here > 0.9 && there / here < 1.5, `${name} ${region}`);
      }
  });
});
