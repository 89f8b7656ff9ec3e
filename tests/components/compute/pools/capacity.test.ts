import assert from "node:assert/strict";
import fc from "fast-check";
import { capacityOf, nodeOf } from "../../../../components/compute/pools/capacity.ts";
import { devicePluginConfigs } from "../../../../components/compute/pools/devices.ts";
import { nodeLabelsOf } from "../../../../components/compute/pools/placement.ts";
import { existing, karpenter, nodeGroup, pool } from "./fixtures.ts";

describe("capacity of a pool", () => {
  it("is that of its machines, without what is kept as huge pages", () => {
    assert.deepEqual(nodeOf(nodeGroup({}, { hugepages2MiGiB: 10 })), {
      cpu: 192,
      memoryGiB: 2038,
      accelerator: "h100",
      accelerators: 8,
      devicesPerAccelerator: 1,
    });
    assert.deepEqual(nodeOf(existing()), {
      cpu: 32,
      memoryGiB: 256,
      accelerator: "a100-40gb",
      accelerators: 4,
      devicesPerAccelerator: 1,
    });
    const bare = pool({ provisioning: { kind: "simulated" }, machine: { cpu: 4, memoryGiB: 8 } });
    assert.deepEqual(nodeOf(bare), { cpu: 4, memoryGiB: 8, accelerators: 0, devicesPerAccelerator: 1 });
  });

  it("counts on the smallest of several machines", () => {
    const { cpu, memoryGiB, accelerators } = nodeOf(karpenter({ instanceTypes: ["g6e.48xlarge", "g6e.2xlarge"] }));
    assert.deepEqual([cpu, memoryGiB, accelerators], [8, 64, 1]);
  });

  for (const [devices, each] of [
    [{ kind: "whole" }, 1],
    [{ kind: "mig", profile: "1g.10gb" }, 7],
    [{ kind: "mig", profile: "3g.40gb" }, 2],
    [{ kind: "timeSlicing", slices: 4 }, 4],
  ] as const) {
    it(`counts ${each} a device that is divided by ${JSON.stringify(devices)}`, () => {
      assert.equal(nodeOf(nodeGroup({}, { devices })).devicesPerAccelerator, each);
      assert.deepEqual(capacityOf(nodeGroup({}, { devices })), {
        nodes: 4,
        cpu: 768,
        memoryGiB: 8192,
        accelerators: 32,
        devices: 32 * each,
      });
    });
  }

  it("ends with size or limits, whichever comes first", () => {
    const sizes = (limits: object) => capacityOf(karpenter({ instanceTypes: ["g6e.12xlarge"] }, { limits })).nodes;
    assert.equal(sizes({}), 10);
    assert.equal(sizes({ accelerators: 23 }), 5);
    assert.equal(sizes({ cpu: 100 }), 2);
    assert.equal(sizes({ accelerators: 23, cpu: 1e6 }), 5);
    assert.equal(sizes({ accelerators: 1000 }), 10);
  });

  it("never goes beyond its limits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 5000 }),
        (max, accelerators, cpu) => {
          const size = { kind: "auto", max };
          const total = capacityOf(
            karpenter({ instanceTypes: ["g6e.12xlarge"] }, { size, limits: { accelerators, cpu } }),
          );
          assert.ok(total.nodes <= max && total.accelerators <= accelerators && total.cpu <= cpu);
          const one = { accelerators: 4, cpu: 48 };
          // And one node more would.
          assert.ok(
            total.nodes + 1 > max || total.accelerators + one.accelerators > accelerators || total.cpu + one.cpu > cpu,
          );
        },
      ),
    );
  });

  it("is unknown of a machine that the catalogue has not", () => {
    assert.throws(() => nodeOf(nodeGroup({ instanceTypes: ["p9.huge"] })), /pool training says neither a machine/);
  });
});

describe("configurations of the device plugin", () => {
  const slices = (count: number) => ({ devices: { kind: "timeSlicing", slices: count } });

  it("are those the pools' nodes ask for, and one for all others", () => {
    const pools = [nodeGroup({}, slices(4)), karpenter({}, slices(2)), nodeGroup()];
    const configs = devicePluginConfigs(pools);
    assert.deepEqual(Object.keys(configs), ["time-slicing-2", "time-slicing-4", "whole"]);
    for (const each of pools) {
      assert.ok((nodeLabelsOf(each)["nvidia.com/device-plugin.config"] ?? "whole") in configs);
    }
    assert.equal(
      configs["time-slicing-4"],
      `version: v1
sharing:
  timeSlicing:
    renameByDefault: true
    failRequestsGreaterThanOne: true
    resources:
      - name: nvidia.com/gpu
        replicas: 4
`,
    );
    assert.equal(configs["whole"], "version: v1\n");
  });
});
