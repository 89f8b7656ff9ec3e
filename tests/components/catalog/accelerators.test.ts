import assert from "node:assert/strict";
import {
  ACCELERATORS,
  type AcceleratorName,
  acceleratorsWith,
  hasFormat,
  migProfile,
  migResource,
  servesWeightsIn,
} from "../../../components/catalog/accelerators.ts";
import { DATA_TYPES, type DataType } from "../../../components/catalog/formats.ts";

/** The table of devices: that its rows agree with themselves and with what is known by heart. No device is asked. */

const NAMES = Object.keys(ACCELERATORS) as AcceleratorName[];
const ROWS = Object.entries(ACCELERATORS) as [AcceleratorName, (typeof ACCELERATORS)[AcceleratorName]][];
const NVIDIA = ROWS.filter(([, { vendor }]) => vendor === "nvidia").map(([name]) => name);
const CUT = ROWS.flatMap(([name, { mig }]) => (mig === undefined ? [] : [[name, mig] as const]));

/** GB as the vendors sell them, written down a second time. */
const SOLD_GB: { readonly [K in AcceleratorName]: number } = {
  t4: 16,
  a10g: 24,
  l4: 24,
  l40s: 48,
  "a100-40gb": 40,
  "a100-80gb": 80,
  h100: 80,
  h200: 141,
  b200: 180,
  b300: 279,
  gb200: 186,
  "rtx-pro-4500": 32,
  "rtx-pro-6000": 96,
  trainium1: 32,
  trainium2: 96,
  inferentia2: 32,
};

/** Instances of each profile a device holds, from NVIDIA's user guide. */
const INSTANCES: Partial<Record<AcceleratorName, Record<string, number>>> = {
  "a100-40gb": { "1g.5gb": 7, "1g.10gb": 4, "2g.10gb": 3, "3g.20gb": 2, "4g.20gb": 1, "7g.40gb": 1 },
  "a100-80gb": { "1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1 },
  h100: { "1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1 },
  h200: { "1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2, "4g.71gb": 1, "7g.141gb": 1 },
  b200: { "1g.23gb": 7, "1g.45gb": 4, "2g.45gb": 3, "3g.90gb": 2, "4g.90gb": 1, "7g.180gb": 1 },
  b300: { "1g.34gb": 7, "1g.67gb": 4, "2g.67gb": 3, "3g.135gb": 2, "4g.135gb": 1, "7g.269gb": 1 },
  gb200: { "1g.23gb": 7, "1g.47gb": 4, "2g.47gb": 3, "3g.93gb": 2, "4g.93gb": 1, "7g.186gb": 1 },
  "rtx-pro-6000": { "1g.24gb": 4, "2g.48gb": 2, "4g.96gb": 1 },
};

describe("accelerators", () => {
  for (const [name, row] of ROWS) {
    it(`${name}: has where it was read and when, and its vendor's resource`, () => {
      assert.match(row.source, /https:\/\//);
      assert.match(row.readOn, /^20\d\d-\d\d-\d\d$/);
      assert.equal(row.resource, { nvidia: "nvidia.com/gpu", aws: "aws.amazon.com/neuron" }[row.vendor]);
      assert.equal(row.vendor === "aws", row.architecture.startsWith("neuroncore"));
      assert.equal(row.timeSlicing, row.vendor === "nvidia");
    });

    it(`${name}: has about the ${SOLD_GB[name]} GB it is sold with, and offers no more`, () => {
      // A GB is 10^9 bytes for some and 2^30 for others: 4 % below the one, to the other.
      assert.ok(row.nominalMemoryMiB * 2 ** 20 >= SOLD_GB[name] * 1e9 * 0.96);
      assert.ok(row.nominalMemoryMiB <= SOLD_GB[name] * 1024);
      assert.ok(row.memoryMiB <= row.nominalMemoryMiB && row.memoryMiB > row.nominalMemoryMiB * 0.93);
    });
  }

  it("lists each format once, and FP32 and FP16 on every device", () => {
    for (const [name, { formats }] of ROWS) {
      assert.equal(new Set(formats).size, formats.length, name);
      assert.ok(hasFormat(name, "fp32") && hasFormat(name, "fp16"), name);
    }
  });

  it("gives BF16 and TF32 to all but Turing", () => {
    const others = NAMES.filter((name) => ACCELERATORS[name].architecture !== "turing");
    assert.deepEqual(acceleratorsWith("bf16"), others);
    assert.deepEqual(acceleratorsWith("tf32"), others);
  });

  it("gives FP8 to Ada, Hopper, Blackwell and Neuron", () => {
    assert.deepEqual(
      NAMES.filter((name) => !hasFormat(name, "fp8")),
      ["t4", "a10g", "a100-40gb", "a100-80gb"],
    );
  });

  it("gives the floating-point formats of 4 bits to Blackwell alone", () => {
    const blackwell = NAMES.filter((name) => ACCELERATORS[name].architecture.startsWith("blackwell"));
    assert.deepEqual(blackwell, ["b200", "b300", "gb200", "rtx-pro-4500", "rtx-pro-6000"]);
    for (const dataType of ["nvfp4", "mxfp4"] as const) assert.deepEqual(acceleratorsWith(dataType), blackwell);
  });

  it("gives INT4 to what came before Hopper", () => {
    assert.deepEqual(acceleratorsWith("int4"), ["t4", "a10g", "l4", "l40s", "a100-40gb", "a100-80gb"]);
  });

  it("gives devices of one architecture the same formats", () => {
    const seen = new Map<string, readonly DataType[]>();
    for (const [name, { architecture, formats }] of ROWS) {
      assert.deepEqual(formats, seen.get(architecture) ?? formats, name);
      seen.set(architecture, formats);
    }
  });

  it("serves weights in what is multiplied, and in INT4 and FP8 where the server widens them", () => {
    for (const name of NAMES)
      for (const dataType of Object.keys(DATA_TYPES) as DataType[])
        if (hasFormat(name, dataType)) assert.ok(servesWeightsIn(name, dataType), `${name} ${dataType}`);
    for (const name of NVIDIA) assert.ok(servesWeightsIn(name, "int4") && servesWeightsIn(name, "fp8"), name);
    assert.ok(!servesWeightsIn("trainium2", "int4"));
    assert.ok(!servesWeightsIn("h100", "nvfp4"));
    assert.ok(!servesWeightsIn("t4", "bf16"));
  });
});

describe("MIG profiles", () => {
  it("are on the devices that can be cut, as many as NVIDIA says", () => {
    assert.deepEqual(
      Object.fromEntries(
        CUT.map(([name, { profiles }]) => [
          name,
          Object.fromEntries(Object.entries(profiles).map(([profile, { count }]) => [profile, count])),
        ]),
      ),
      INSTANCES,
    );
  });

  for (const [name, { computeSlices, profiles }] of CUT) {
    const { memoryMiB, nominalMemoryMiB } = ACCELERATORS[name];
    for (const [profile, row] of Object.entries(profiles)) {
      it(`${name} ${profile}: fits, and not once more`, () => {
        const memorySlices = computeSlices === 7 ? 8 : computeSlices;
        const takes = Math.round((row.memoryMiB / memoryMiB) * memorySlices);
        assert.equal(row.computeSlices, Number(profile.split("g.")[0]));
        assert.ok(row.count * row.computeSlices <= computeSlices);
        assert.ok(row.count * row.memoryMiB <= memoryMiB);
        assert.ok((row.count + 1) * row.computeSlices > computeSlices || (row.count + 1) * takes > memorySlices);
      });

      it(`${name} ${profile}: has the memory of its name, of a device of ${nominalMemoryMiB} MiB`, () => {
        const named = Number(profile.slice(profile.indexOf(".") + 1, -"gb".length));
        assert.ok(Math.abs(row.memoryMiB / 1024 - named) <= Math.max(1, named * 0.01), `${row.memoryMiB / 1024}`);
        assert.equal(row.managerConfig, `all-${profile}`);
      });
    }
  }

  it("are found by device and name, and nothing else is", () => {
    assert.equal(migProfile("h100", "1g.10gb")?.count, 7);
    assert.equal(migProfile("a100-40gb", "1g.10gb")?.count, 4);
    assert.equal(migProfile("h100", "1g.5gb"), undefined);
    assert.equal(migProfile("l40s", "1g.10gb"), undefined);
    assert.equal(migProfile("h100", "constructor"), undefined);
  });

  it("are called by the device plugin what NVIDIA calls them", () => {
    assert.equal(migResource("1g.10gb"), "nvidia.com/mig-1g.10gb");
  });
});
