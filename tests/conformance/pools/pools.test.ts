import assert from "node:assert/strict";
import { renderNodePatch } from "../../../components/compute/pools/existing.ts";
import { renderNodeClass, renderNodePool } from "../../../components/compute/pools/karpenter.ts";
import { renderSimulatedPool, renderSimulatedPoolDefinition } from "../../../components/compute/pools/simulated.ts";
import { EKS, existing, karpenter, RESERVATION, simulated } from "../../components/compute/pools/fixtures.ts";
import { type DryRun, dryRun } from "../dry-run.ts";

const BLOCK = { kind: "capacityBlock", id: RESERVATION, ends: "2027-01-31T11:30:00Z" };
const efa = { network: { efa: "all", placementGroup: "cluster" }, hugepages2MiGiB: 10 };

const KARPENTER = [
  [
    "sized by pods, with all that can be said",
    karpenter(
      { zones: ["us-east-1a"], capacity: { kind: "spot", fallback: "onDemand" }, weight: 100 },
      {
        limits: { accelerators: 8, cpu: 64.5 },
        labels: { "example.com/tier": "gold" },
        taints: [{ key: "a", value: "b", effect: "NoExecute" }, { key: "c" }],
        disruption: {
          maxUnavailable: "0",
          consolidation: "never",
          expireHours: 1,
          closed: [{ schedule: "0 8 * * 1-5", hours: 0.25 }],
        },
      },
    ),
  ],
  ["with the least that can be said", karpenter()],
  [
    "of a fixed size, in a block, with EFA on one spine",
    karpenter(
      { instanceTypes: ["p5.48xlarge"], zones: ["us-east-1a"], capacity: BLOCK },
      { ...efa, size: { kind: "fixed", nodes: 4 } },
    ),
  ],
  [
    "with EFA on all cards but the first",
    karpenter({ instanceTypes: ["p6-b300.48xlarge"] }, { network: { efa: "all" } }),
  ],
  ["of Neuron devices", karpenter({ instanceTypes: ["trn1.32xlarge"] }, { limits: { accelerators: 32 } })],
  ["without devices, on arm64", karpenter({ instanceTypes: ["m7g.large"] })],
] as const;

/** Placeholders of what AWS gives ids to, in the form that AWS gives them. */
const CLUSTER = {
  ...EKS,
  subnets: { "us-east-1a": "subnet-0123456789abcdef0", "us-east-1b": "subnet-0123456789abcdef1" },
  securityGroupIds: ["sg-0123456789abcdef0"],
};

/**
 * What a real API server says of what pools declare, by Karpenter's own definitions and by ours. Not proven: what Karpenter's
 * controller says, which also asks AWS.
 */
describe("pools on a real API server", function () {
  this.timeout(300_000);
  this.slow(30_000);
  let server: DryRun;
  before(async () => {
    server = await dryRun();
    await server.define("karpenter");
    await server.defineKind({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      ...renderSimulatedPoolDefinition(),
    } as never);
  });

  for (const [what, pool] of KARPENTER) {
    it(`Karpenter's kinds take a pool ${what}`, async () => {
      const placementGroup = pool.network.placementGroup === "none" ? undefined : "placement";
      for (const object of [renderNodeClass(pool, CLUSTER, placementGroup), renderNodePool(pool, CLUSTER)]) {
        assert.equal(await server.refusal(object as never), undefined);
      }
    });
  }

  it("Karpenter's kinds refuse what they refuse of a static pool: the rules are there", async () => {
    const pool = renderNodePool(KARPENTER[2][1], CLUSTER);
    const weighted = { ...pool, spec: { ...pool.spec, weight: 10 } };
    assert.match((await server.refusal(weighted as never)) ?? "", /'weight' is not supported on static NodePools/);
  });

  it("our kind takes simulated pools, and no other", async () => {
    const given = [
      simulated(),
      simulated({ capacity: BLOCK }, { ...efa, network: { efa: "all" }, devices: { kind: "mig", profile: "1g.10gb" } }),
      simulated(
        { instanceType: undefined },
        { machine: { cpu: 0.5, memoryGiB: 8 }, size: { kind: "auto", max: 5000 } },
      ),
    ];
    for (const pool of given) {
      assert.equal(await server.refusal(renderSimulatedPool(pool)), undefined);
    }
    const { spec, ...rest } = renderSimulatedPool(simulated());
    for (const [wrong, says] of [
      [{ ...spec, size: { min: 3, max: 2 } }, /size\.min must be at most size\.max/],
      [{ ...spec, machine: { ...spec.machine, cpu: 0 } }, /spec\.machine\.cpu/],
      [{ ...spec, nodes: 3 }, /spec\.nodes/],
      [{ ...spec, capacity: { kind: "stolen" } }, /spec\.capacity\.kind/],
    ] as const) {
      assert.match((await server.refusal({ ...rest, spec: wrong } as never)) ?? "taken", says);
    }
  });

  it("nodes take a pool's patch", async () => {
    const patch = renderNodePatch(existing(), "node-a");
    assert.equal(await server.refusal({ apiVersion: "v1", kind: "Node", ...patch } as never), undefined);
  });
});
