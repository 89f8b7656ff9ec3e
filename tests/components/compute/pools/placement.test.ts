import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeLabelsOf, placementOf, taintsOf } from "../../../../components/compute/pools/placement.ts";
import { ACCELERATOR_LABEL, POOL_LABEL } from "../../../../components/core/labels.ts";
import type { Taint } from "../../../../stacks/pools.ts";
import { existing, karpenter, nodeGroup, pool, simulated } from "./fixtures.ts";

const cpuPool = (rest = {}) =>
  pool({ name: "search", provisioning: { kind: "simulated" }, machine: { cpu: 8, memoryGiB: 32 }, ...rest });

const mig = { kind: "mig", profile: "1g.10gb" };
const slices = { kind: "timeSlicing", slices: 4 };

describe("placement on a pool", () => {
  for (const [what, given, resource] of [
    ["whole devices", nodeGroup(), "nvidia.com/gpu"],
    ["instances of a MIG profile", nodeGroup({}, { devices: mig }), "nvidia.com/mig-1g.10gb"],
    ["turns of a device", nodeGroup({}, { devices: slices }), "nvidia.com/gpu.shared"],
    ["Neuron devices", nodeGroup({ instanceTypes: ["trn2.48xlarge"] }), "aws.amazon.com/neuron"],
    ["devices of nodes that exist", existing(), "nvidia.com/gpu"],
    ["no device", cpuPool(), undefined],
    ["no device, however it would be divided", cpuPool({ devices: slices }), undefined],
  ] as const) {
    it(`asks for ${what}`, () => {
      assert.equal(placementOf(given).resource, resource);
    });
  }

  it("keeps pods without devices off nodes that have some, unless the stack says other taints", () => {
    const key = "nvidia.com/gpu";
    assert.deepEqual(taintsOf(karpenter()), [{ key, value: "", effect: "NoSchedule" }]);
    assert.deepEqual(placementOf(karpenter()), {
      nodeSelector: { "millwright.dev/pool": "serving" },
      tolerations: [{ key, operator: "Equal", effect: "NoSchedule" }],
      resource: key,
    });
    assert.deepEqual(taintsOf(karpenter({}, { taints: [] })), []);
    assert.deepEqual(taintsOf(cpuPool()), []);
    assert.equal(taintsOf(nodeGroup({ instanceTypes: ["inf2.48xlarge"] }))[0]?.key, "aws.amazon.com/neuron");
  });

  const taint = fc.record({
    key: fc.constantFrom("a", "b.example/c", "nvidia.com/gpu"),
    value: fc.constantFrom("", "x", "y"),
    effect: fc.constantFrom("NoSchedule", "PreferNoSchedule", "NoExecute"),
  });

  it("tolerates exactly the pool's taints", () => {
    // As the scheduler judges it: component-helpers, scheduling/corev1 ToleratesTaint.
    const tolerates = (toleration: { key: string; value?: string; effect: string }, { key, value, effect }: Taint) =>
      toleration.key === key && (toleration.value ?? "") === value && toleration.effect === effect;
    fc.assert(
      fc.property(fc.array(taint, { maxLength: 8 }), taint, (taints, other) => {
        const { tolerations } = placementOf(karpenter({}, { taints }));
        assert.ok(taints.every((each) => tolerations.some((toleration) => tolerates(toleration, each))));
        const isOurs = taints.some((each) => JSON.stringify(each) === JSON.stringify(other));
        assert.equal(
          tolerations.some((toleration) => tolerates(toleration, other)),
          isOurs,
        );
      }),
    );
  });
});

describe("labels of a pool's nodes", () => {
  it("say how its devices are divided", () => {
    assert.deepEqual(nodeLabelsOf(nodeGroup({}, { labels: { "example.com/tier": "gold" } })), {
      "example.com/tier": "gold",
      "millwright.dev/pool": "training",
      "millwright.dev/accelerator": "h100",
    });
    assert.equal(nodeLabelsOf(nodeGroup({}, { devices: mig }))["nvidia.com/mig.config"], "all-1g.10gb");
    const shared = nodeLabelsOf(nodeGroup({}, { devices: slices }));
    assert.equal(shared["nvidia.com/device-plugin.config"], "time-slicing-4");
    assert.equal(shared["nvidia.com/mig.config"], undefined);
  });

  it("always have the pool's name, whatever the stack writes, and that is what pods select", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(POOL_LABEL, ACCELERATOR_LABEL, "a", "b"), fc.constantFrom("x", "")),
        fc.constantFrom(nodeGroup, karpenter, simulated),
        (labels, make) => {
          const given = make({}, { labels });
          const rendered: Record<string, string> = nodeLabelsOf(given);
          for (const [label, value] of Object.entries(placementOf(given).nodeSelector)) {
            assert.equal(rendered[label], value);
          }
          assert.equal(rendered[POOL_LABEL], given.name);
          assert.notEqual(rendered[ACCELERATOR_LABEL], "x");
        },
      ),
    );
  });
});
