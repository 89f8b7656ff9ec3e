import assert from "node:assert/strict";
import { poolProblems } from "../../stacks/pool-rules.ts";
import { validateStack } from "../../stacks/validate.ts";

type Written = Readonly<Record<string, unknown>>;

const EKS = {
  kind: "eks",
  accountId: "111122223333",
  region: "us-east-1",
  zones: ["us-east-1a", "us-east-1b"],
} as const;
const RESERVATION = "cr-0123456789abcdef0";
const BLOCK = { kind: "capacityBlock", id: RESERVATION, ends: "2027-01-31T11:30:00Z" };

const fixed = (nodes: number) => ({ size: { kind: "fixed", nodes } });
const auto = (max: number, min = 0) => ({ size: { kind: "auto", min, max } });

/** Pools that are right, each of which the tests break in one way. */
const nodeGroup = (provisioning: Written = {}, rest: Written = {}) => ({
  name: "training",
  provisioning: { kind: "nodeGroup", instanceTypes: ["p5.48xlarge"], zones: ["us-east-1a"], ...provisioning },
  ...fixed(4),
  ...rest,
});
const karpenter = (provisioning: Written = {}, rest: Written = {}) => ({
  name: "serving",
  provisioning: { kind: "karpenter", instanceTypes: ["g6e.12xlarge"], ...provisioning },
  ...auto(10),
  ...rest,
});
const existing = (provisioning: Written = {}, rest: Written = {}) => ({
  name: "lab",
  provisioning: { kind: "existing", nodes: ["node-a", "node-b"], ...provisioning },
  machine: { cpu: 32, memoryGiB: 256, accelerator: "a100-40gb", accelerators: 4 },
  ...fixed(2),
  ...rest,
});
const simulated = (provisioning: Written = {}, rest: Written = {}) => ({
  name: "sim",
  provisioning: { kind: "simulated", instanceType: "p5.48xlarge", ...provisioning },
  ...auto(100),
  ...rest,
});

const stack = (pools: readonly unknown[], cluster: Written = EKS) => ({ platform: { cluster }, pools });
const HERE = { kind: "existing", context: "lab" };
const SIMULATED = { kind: "simulated" };

const efa = { network: { efa: "all" }, hugepages2MiGiB: 10 };
const mig = (profile: string) => ({ devices: { kind: "mig", profile } });
const slices = { devices: { kind: "timeSlicing", slices: 4 } };
const closed = (schedule: string, hours: number) => ({ disruption: { closed: [{ schedule, hours }] } });

const TYPES = "pools[0].provisioning.instanceTypes";

/** What is refused: the stack, where, and the whole of what is said. */
const REFUSED: readonly (readonly [what: string, stack: unknown, path: string, message: string])[] = [
  // Machines.
  [
    "an instance type that is misspelt",
    stack([nodeGroup({ instanceTypes: ["p5.48xlrage"] })]),
    `${TYPES}[0]`,
    'must be an instance type of components/catalog/instance-types.ts; did you mean "p5.48xlarge"?',
  ],
  [
    "an instance type that is not known",
    stack([simulated({ instanceType: "dgx-spark.large" })], SIMULATED),
    "pools[0].provisioning.instanceType",
    "must be an instance type of components/catalog/instance-types.ts.",
  ],
  [
    "an instance type twice",
    stack([karpenter({ instanceTypes: ["g6e.xlarge", "g6e.xlarge"] })]),
    `${TYPES}[1]`,
    "must not be named twice: provisioning.instanceTypes[0] is the same.",
  ],
  [
    "two kinds of accelerators in a pool",
    stack([karpenter({ instanceTypes: ["g6e.xlarge", "g6.xlarge"] })]),
    TYPES,
    "must all have the same accelerator: g6e.xlarge has l40s and g6.xlarge has l4.",
  ],
  [
    "machines with accelerators and without",
    stack([karpenter({ instanceTypes: ["g6e.xlarge", "m7i.large"] })]),
    TYPES,
    "must all have the same accelerator: g6e.xlarge has l40s and m7i.large has none.",
  ],
  [
    "two architectures in a pool",
    stack([karpenter({ instanceTypes: ["m7i.large", "m7g.large"] })]),
    TYPES,
    "must all be of one architecture, since they share images: m7i.large is amd64 and m7g.large is arm64.",
  ],
  [
    "a node group of machines with more devices and with fewer",
    stack([nodeGroup({ instanceTypes: ["g6e.xlarge", "g6e.12xlarge"] })]),
    TYPES,
    "must all have as many accelerators in a node group, which counts machines and not devices: g6e.xlarge has 1 and g6e.12xlarge has 4.",
  ],
  [
    "nodes that nobody says anything of",
    stack([existing({}, { machine: undefined })], HERE),
    "pools[0].machine",
    "is required where no instance type says what a node has: {cpu, memoryGiB} and, with devices, {accelerator, accelerators}.",
  ],
  [
    "a machine beside an instance type",
    stack([simulated({}, { machine: { cpu: 1, memoryGiB: 1 } })], SIMULATED),
    "pools[0].machine",
    "must be left out: p5.48xlarge says what a node has.",
  ],
  [
    "an accelerator that is misspelt",
    stack([existing({}, { machine: { cpu: 8, memoryGiB: 64, accelerator: "H-100" } })], HERE),
    "pools[0].machine.accelerator",
    "must be an accelerator of components/catalog/accelerators.ts: t4, a10g, l4, l40s, a100-40gb, a100-80gb, h100, h200, b200, " +
      'b300, gb200, rtx-pro-4500, rtx-pro-6000, trainium1, trainium2, inferentia2; did you mean "h100"?',
  ],
  [
    "more accelerators than a machine can have",
    stack([existing({}, { machine: { cpu: 8, memoryGiB: 64, accelerator: "gb200", accelerators: 72 } })], HERE),
    "pools[0].machine.accelerators",
    "must be at most 16: no machine has more devices. What one rack joins, as GB200 NVL72 does its 72, is 18 nodes of 4.",
  ],
  [
    "a number of accelerators without a name",
    stack([existing({}, { machine: { cpu: 8, memoryGiB: 64, accelerators: 8 } })], HERE),
    "pools[0].machine.accelerators",
    "must be left out where machine.accelerator names none.",
  ],
  // Where it is.
  [
    "a pool of Karpenter without EKS",
    stack([karpenter()], HERE),
    "pools[0].provisioning.kind",
    "must be existing: the cluster is existing.",
  ],
  [
    "simulated nodes beside real ones",
    stack([simulated()]),
    "pools[0].provisioning.kind",
    "must be nodeGroup or karpenter: the cluster is eks.",
  ],
  [
    "a zone that the cluster has no subnet in",
    stack([nodeGroup({ zones: ["us-east-1f"] })]),
    "pools[0].provisioning.zones[0]",
    "must be a zone of the cluster, which has subnets in us-east-1a and us-east-1b.",
  ],
  [
    "a zone twice",
    stack([karpenter({ zones: ["us-east-1a", "us-east-1a"] })]),
    "pools[0].provisioning.zones[1]",
    "must not be named twice: provisioning.zones[0] is the same.",
  ],
  // How it is paid for.
  [
    "on demand what is sold in blocks alone",
    stack([nodeGroup({ instanceTypes: ["p6e-gb200.36xlarge"] })]),
    "pools[0].provisioning.capacity.kind",
    "must be another: p6e-gb200.36xlarge is not to be had on demand, but in capacity blocks.",
  ],
  [
    "a capacity block of what is not sold in blocks",
    stack([nodeGroup({ instanceTypes: ["g6e.12xlarge"], capacity: BLOCK })]),
    "pools[0].provisioning.capacity.kind",
    "must be another: g6e.12xlarge is not to be had in capacity blocks, but on demand, as spot and by reservation.",
  ],
  [
    "a fallback to on demand of what has no such price",
    stack([karpenter({ instanceTypes: ["p5e.48xlarge"], capacity: { kind: "spot", fallback: "onDemand" } })]),
    "pools[0].provisioning.capacity.fallback",
    "must be another: p5e.48xlarge is not to be had on demand, but as spot and in capacity blocks.",
  ],
  [
    "a fallback of a node group",
    stack([nodeGroup({ capacity: { kind: "spot", fallback: "onDemand" } })]),
    "pools[0].provisioning.capacity.fallback",
    "must be none in a node group, which is either spot or on demand; Karpenter falls back.",
  ],
  [
    "a reservation of two types",
    stack([
      karpenter({
        instanceTypes: ["p5.48xlarge", "p5.4xlarge"],
        capacity: { kind: "reserved", id: RESERVATION },
      }),
    ]),
    TYPES,
    "must be one: a reservation is of one instance type; these are 2.",
  ],
  [
    "a reservation looked for in all zones",
    stack([nodeGroup({ zones: undefined, capacity: { kind: "reserved", id: RESERVATION } })]),
    "pools[0].provisioning.zones",
    "must be the reservation's own zone alone: a node group looks for its machines in all of its 2.",
  ],
  [
    "a capacity block that grows",
    stack([nodeGroup({ capacity: BLOCK }, auto(4))]),
    "pools[0].size.kind",
    "must be fixed: a capacity block is paid for, used or not.",
  ],
  [
    "more nodes than a capacity block has",
    stack([nodeGroup({ capacity: BLOCK }, fixed(65))]),
    "pools[0].size.nodes",
    "must be at most 64, which is what one capacity block has at most; the rest is another pool's.",
  ],
  [
    "a capacity block that ends at an hour when none does",
    stack([nodeGroup({ capacity: { ...BLOCK, ends: "2027-01-31T12:00:00Z" } })]),
    "pools[0].provisioning.capacity.ends",
    'must be at 11:30 UTC, when every capacity block ends: "...T11:30:00Z".',
  ],
  [
    "a capacity block that ends on a day that there is not",
    stack([nodeGroup({ capacity: { ...BLOCK, ends: "2027-02-30T11:30:00Z" } })]),
    "pools[0].provisioning.capacity.ends",
    "must be a day and an hour that there are.",
  ],
  [
    "an age for nodes that go with their block",
    stack([
      karpenter({ instanceTypes: ["p5.48xlarge"], capacity: BLOCK }, { ...fixed(2), disruption: { expireHours: 1 } }),
    ]),
    "pools[0].disruption.expireHours",
    "must be left out: a capacity block's nodes go when it ends.",
  ],
  // How devices are divided.
  [
    "a MIG profile of another device",
    stack([nodeGroup({}, mig("1g.5gb"))]),
    "pools[0].devices.profile",
    'must be a profile of NVIDIA H100 80 GB: 1g.10gb, 1g.20gb, 2g.20gb, 3g.40gb, 4g.40gb, 7g.80gb; did you mean "1g.10gb"?',
  ],
  [
    "MIG on a device without",
    stack([nodeGroup({ instanceTypes: ["g6e.12xlarge"] }, mig("1g.10gb"))]),
    "pools[0].devices.kind",
    "must be whole or timeSlicing: NVIDIA L40S has no MIG profiles.",
  ],
  [
    "MIG on Trainium",
    stack([nodeGroup({ instanceTypes: ["trn1.32xlarge"] }, mig("1g.10gb"))]),
    "pools[0].devices.kind",
    "must be whole: AWS Trainium has no MIG profiles.",
  ],
  [
    "turns of Inferentia",
    stack([nodeGroup({ instanceTypes: ["inf2.48xlarge"] }, slices)]),
    "pools[0].devices.kind",
    "must be whole: the device plugin of AWS Inferentia2 offers no turns of a device.",
  ],
  [
    "parts of a device where there is none",
    stack([nodeGroup({ instanceTypes: ["m7i.large"] }, slices)]),
    "pools[0].devices.kind",
    "must be whole: its nodes have no accelerator to divide.",
  ],
  [
    "parts of a device that Karpenter should bring",
    stack([karpenter({}, slices)]),
    "pools[0].devices.kind",
    "must be whole in a pool that Karpenter sizes by pods: it knows a machine's whole devices alone, so a pod that asks for a " +
      "part would call for none. Make the size fixed, or use a node group.",
  ],
  // Network and memory.
  [
    "EFA on a type without",
    stack([nodeGroup({ instanceTypes: ["g6e.xlarge"] }, efa)]),
    "pools[0].network.efa",
    "must be none: g6e.xlarge has no EFA.",
  ],
  [
    "EFA of nodes that exist",
    stack([existing({}, efa)], HERE),
    "pools[0].network.efa",
    "must be none: EFA is made with a machine of AWS, and no instance type is named here.",
  ],
  [
    "EFA of two layouts",
    stack([
      karpenter(
        { instanceTypes: ["p5e.48xlarge", "p5en.48xlarge"], capacity: { kind: "spot" } },
        { network: { efa: "all" } },
      ),
    ]),
    "pools[0].network.efa",
    "must be none, or the instance types alike: interfaces are generated for all at once, and p5e.48xlarge has 32 EFA on 32 " +
      "cards and p5en.48xlarge has 16 EFA on 16 cards.",
  ],
  [
    "EFA on cards that share adapters",
    stack([nodeGroup({ instanceTypes: ["p6e-gb200.36xlarge"], capacity: BLOCK }, efa)]),
    "pools[0].network.efa",
    "must be none: interfaces are generated one a card, and p6e-gb200.36xlarge has 4 EFA on 17 cards.",
  ],
  [
    "EFA without huge pages",
    stack([nodeGroup({}, { ...efa, hugepages2MiGiB: 4 })]),
    "pools[0].hugepages2MiGiB",
    "must be at least 10 with EFA, whose library works in huge pages.",
  ],
  [
    "EFA without huge pages in a fixed pool of Karpenter",
    stack([karpenter({ instanceTypes: ["p5en.48xlarge"] }, { ...fixed(2), network: { efa: "all" } })]),
    "pools[0].hugepages2MiGiB",
    "must be at least 10 with EFA, whose library works in huge pages.",
  ],
  [
    "huge pages that Karpenter knows nothing of",
    stack([karpenter({}, { hugepages2MiGiB: 4 })]),
    "pools[0].hugepages2MiGiB",
    "must be 0 in a pool that Karpenter sizes by pods: a pod that asks for huge pages calls for no machine there. Make the size " +
      "fixed, use a node group, or let EFA do without (FI_EFA_USE_HUGE_PAGE=0).",
  ],
  [
    "more huge pages than memory",
    stack([nodeGroup({ instanceTypes: ["g6e.xlarge"] }, { hugepages2MiGiB: 32 })]),
    "pools[0].hugepages2MiGiB",
    "must be less than the memory of the smallest machine: of 32 GiB it leaves 0 for everything else.",
  ],
  [
    "one spine over two zones",
    stack([karpenter({}, { network: { placementGroup: "cluster" } })]),
    "pools[0].network.placementGroup",
    "must be none or spread, or provisioning.zones one zone: a cluster placement group is within one, and these are us-east-1a and us-east-1b.",
  ],
  [
    "more machines apart than there is room for",
    stack([karpenter({}, { ...auto(15), network: { placementGroup: "spread" } })]),
    "pools[0].network.placementGroup",
    "must be none, or the pool at most 14 nodes: a spread placement group has 7 machines a zone, and 7 x 2 zones = 14 < 15.",
  ],
  [
    "a placement of nodes that exist",
    stack([existing({}, { network: { placementGroup: "spread" } })], HERE),
    "pools[0].network.placementGroup",
    "must be none: nodes that are existing are where they are.",
  ],
  // Sizes and limits.
  [
    "fewer nodes at most than at least",
    stack([nodeGroup({}, auto(2, 3))]),
    "pools[0].size.min",
    "must be at most max, which is 2.",
  ],
  [
    "nodes that Karpenter should keep without pods",
    stack([karpenter({}, auto(3, 1))]),
    "pools[0].size.min",
    "must be 0 with Karpenter, which has as many nodes as pods call for; a fixed size keeps some.",
  ],
  [
    "another number of nodes than are named",
    stack([existing({}, fixed(3))], HERE),
    "pools[0].size",
    "must be {kind: fixed, nodes: 2}: provisioning.nodes names 2 nodes.",
  ],
  [
    "a node twice",
    stack([existing({ nodes: ["node-a", "node-a"] })], HERE),
    "pools[0].provisioning.nodes[1]",
    "must not be named twice: provisioning.nodes[0] is the same.",
  ],
  [
    "a limit that no node fits into",
    stack([karpenter({}, { limits: { accelerators: 3 } })]),
    "pools[0].limits.accelerators",
    "must be at least 4, which is what one node has: with less the pool stays empty.",
  ],
  [
    "a limit that nothing keeps",
    stack([nodeGroup({}, { limits: { accelerators: 20 } })]),
    "pools[0].limits.accelerators",
    "must be at least 32, or the size at most 2: 4 nodes x 8 accelerators = 32. Only Karpenter stops a pool at a limit.",
  ],
  [
    "cores beyond the limit",
    stack([karpenter({}, { ...fixed(3), limits: { cpu: 100 } })]),
    "pools[0].limits.cpu",
    "must be at least 144, or the size at most 2: 3 nodes x 48 cores = 144. Only Karpenter stops a pool at a limit.",
  ],
  [
    "a limit of what its nodes have not",
    stack([nodeGroup({ instanceTypes: ["m7i.large"] }, { limits: { accelerators: 8 } })]),
    "pools[0].limits.accelerators",
    "must be left out: its nodes have no accelerator.",
  ],
  [
    "a pool that costs more than it may",
    stack([nodeGroup({}, { limits: { usdPerHour: 100 } })]),
    "pools[0].limits.usdPerHour",
    "must be at least 220.16, or the size at most 1: 4 nodes x 55.04 USD an hour (p5.48xlarge in us-east-1) = 220.16 USD an hour.",
  ],
  [
    "a limit on a price that is not known",
    stack([
      nodeGroup({ instanceTypes: ["trn2.48xlarge"], capacity: { kind: "spot" } }, { limits: { usdPerHour: 100 } }),
    ]),
    "pools[0].limits.usdPerHour",
    "cannot be judged: components/catalog/prices.ts has no price of trn2.48xlarge in us-east-1. Leave it out, or add the price there.",
  ],
  [
    "a limit on prices of a region without any",
    stack([nodeGroup({ zones: ["sa-east-1a"] }, { limits: { usdPerHour: 100 } })], {
      ...EKS,
      region: "sa-east-1",
      zones: ["sa-east-1a", "sa-east-1b"],
    }),
    "pools[0].limits.usdPerHour",
    "cannot be judged: components/catalog/prices.ts has no price of p5.48xlarge in sa-east-1, of which there are none at all. " +
      "Leave it out, or add the price there.",
  ],
  [
    "a limit on the price of nodes in no region",
    stack([simulated({}, { limits: { usdPerHour: 100 } })], SIMULATED),
    "pools[0].limits.usdPerHour",
    "must be left out: prices are AWS's, of an instance type in a region, and this pool has none.",
  ],
  [
    "a limit on the price of nodes that exist",
    stack([existing({}, { limits: { usdPerHour: 100 } })], HERE),
    "pools[0].limits.usdPerHour",
    "must be left out: prices are AWS's, of an instance type in a region, and this pool has none.",
  ],
  // Labels and taints.
  [
    "a label that is Kubernetes' own",
    stack([karpenter({}, { labels: { "topology.kubernetes.io/zone": "here" } })]),
    "pools[0].labels.topology.kubernetes.io/zone",
    "must be of another domain: topology.kubernetes.io is Kubernetes's own.",
  ],
  [
    "a label that is Karpenter's own",
    stack([karpenter({}, { labels: { "karpenter.sh/nodepool": "mine" } })]),
    "pools[0].labels.karpenter.sh/nodepool",
    "must be of another domain: karpenter.sh is Karpenter's own.",
  ],
  [
    "a label that divides devices in another way",
    stack([nodeGroup({}, { ...slices, labels: { "nvidia.com/mig.config": "all-1g.10gb" } })]),
    "pools[0].labels.nvidia.com/mig.config",
    "must be left out: it is what devices says, which divides them in one way.",
  ],
  [
    "a taint that is Kubernetes' own",
    stack([karpenter({}, { taints: [{ key: "node.kubernetes.io/unreachable" }] })]),
    "pools[0].taints[0].key",
    "must be of another domain: node.kubernetes.io is Kubernetes's own.",
  ],
  [
    "a taint twice",
    stack([karpenter({}, { taints: [{ key: "a" }, { key: "a", value: "b" }] })]),
    "pools[0].taints[1]",
    "must not be there twice: taints[0] has this key and effect, and a node one value of both.",
  ],
  // Disruption.
  [
    "a window on a node group",
    stack([nodeGroup({}, closed("0 8 * * *", 8))]),
    "pools[0].disruption.closed",
    "must be left out: only Karpenter takes nodes away by itself.",
  ],
  [
    "a window that never opens",
    stack([karpenter({}, closed("0 8 * * *", 24))]),
    "pools[0].disruption.closed[0].hours",
    "must be less than 24, after which it begins again: it would never open, and no node would ever be replaced.",
  ],
  [
    "a window that closes for a week each week",
    stack([karpenter({}, closed("0 8 * * mon", 168))]),
    "pools[0].disruption.closed[0].hours",
    "must be less than 168, after which it begins again: it would never open, and no node would ever be replaced.",
  ],
  [
    "a window at an hour that there is not",
    stack([karpenter({}, closed("0 24 * * *", 8))]),
    "pools[0].disruption.closed[0].schedule",
    'must have an hour from 0 to 23, a range, a list or a step of them; this is "24".',
  ],
  [
    "an age for nodes of a node group",
    stack([nodeGroup({}, { disruption: { expireHours: 720 } })]),
    "pools[0].disruption.expireHours",
    "must be left out: only Karpenter takes nodes away by itself.",
  ],
  [
    "a range of hours that falls",
    stack([karpenter({}, closed("0 8-6 * * *", 1))]),
    "pools[0].disruption.closed[0].schedule",
    'must have an hour from 0 to 23, a range, a list or a step of them; this is "8-6".',
  ],
  [
    "a step of nothing",
    stack([karpenter({}, closed("*/0 8 * * *", 1))]),
    "pools[0].disruption.closed[0].schedule",
    'must have a minute from 0 to 59, a range, a list or a step of them; this is "*/0".',
  ],
  [
    "more machines of a node group taken away than EKS takes at a time",
    stack([nodeGroup({}, { disruption: { maxUnavailable: "101" } })]),
    "pools[0].disruption.maxUnavailable",
    "must be from 1 to 100 nodes, or percent of them, in a node group: EKS updates it by taking nodes away.",
  ],
  [
    "a node group that may never be updated",
    stack([nodeGroup({}, { disruption: { maxUnavailable: "0" } })]),
    "pools[0].disruption.maxUnavailable",
    "must be from 1 to 100 nodes, or percent of them, in a node group: EKS updates it by taking nodes away.",
  ],
  // Two pools.
  [
    "two pools of one name",
    stack([nodeGroup(), karpenter({}, { name: "training" })]),
    "pools[1].name",
    "must be unique: pools[0] has this name already.",
  ],
  [
    "a node in two pools",
    stack([existing(), existing({ nodes: ["node-c", "node-b"] }, { name: "other" })], HERE),
    "pools[1].provisioning.nodes[1]",
    "must be in one pool: pools[0] (lab) has this node already.",
  ],
  [
    "a reservation in two pools",
    stack(["a", "b"].map((name) => nodeGroup({ capacity: { kind: "reserved", id: RESERVATION } }, { name }))),
    "pools[1].provisioning.capacity.id",
    "must be in one pool: pools[0] (a) takes this reservation's machines already.",
  ],
  [
    "two pools that Karpenter cannot choose between",
    stack([karpenter(), karpenter({ instanceTypes: ["g6e.xlarge", "g6e.12xlarge"] }, { name: "other" })]),
    "pools[1].provisioning.weight",
    "must differ from that of pools[0] (serving): a pod without a pool could get g6e.12xlarge of either, and they have the same " +
      "taints. Of two weights the higher is tried first.",
  ],
  [
    "repair of one pool of Karpenter and not of another",
    stack([karpenter(), karpenter({ instanceTypes: ["g5.xlarge"] }, { name: "other", repair: false })]),
    "pools[1].repair",
    "must be true, as of pools[0] (serving): Karpenter repairs all its pools or none.",
  ],
];

describe("pools that are impossible", () => {
  it("are refused in more than thirty ways", () => {
    assert.ok(REFUSED.length > 30);
    assert.equal(new Set(REFUSED.map(([what]) => what)).size, REFUSED.length);
  });

  for (const [what, given, path, message] of REFUSED) {
    it(`have ${what}`, () => {
      const found = poolProblems(given).map((problem) => [problem.path, problem.message]);
      // Nothing else is wrong with them, so nothing else is said.
      assert.deepEqual(found, [[path, message]]);
      const validation = validateStack(given);
      assert.ok("problems" in validation && validation.problems.some((each) => each.path === path));
    });
  }
});

describe("pools that are possible", () => {
  for (const [what, given] of [
    [
      "a node group of a reservation, with EFA on one spine",
      stack([
        nodeGroup(
          { capacity: { kind: "reserved", id: RESERVATION } },
          {
            ...efa,
            network: { efa: "all", placementGroup: "cluster" },
            limits: { accelerators: 32, usdPerHour: 220.16 },
          },
        ),
      ]),
    ],
    [
      "a capacity block of each provisioning",
      stack([
        nodeGroup({ capacity: BLOCK }),
        karpenter(
          { instanceTypes: ["p5en.48xlarge"], capacity: { ...BLOCK, id: "cr-0123456789abcdef1" } },
          { ...fixed(2), ...efa },
        ),
      ]),
    ],
    [
      "a pool of Karpenter that a limit stops before its size does",
      stack([karpenter({}, { limits: { accelerators: 8, cpu: 1000 } })]),
    ],
    [
      "EFA that Karpenter brings, without huge pages",
      stack([karpenter({ instanceTypes: ["p5en.48xlarge"] }, { network: { efa: "all" } })]),
    ],
    [
      "parts of devices in a fixed pool of Karpenter",
      stack([karpenter({ instanceTypes: ["p5.48xlarge"] }, { ...fixed(1), ...mig("1g.10gb") })]),
    ],
    [
      "two pools of Karpenter with other weights, taints, zones or capacity",
      stack([
        karpenter({ zones: ["us-east-1a"] }),
        karpenter({ zones: ["us-east-1a"], weight: 20 }, { name: "heavier" }),
        karpenter({ zones: ["us-east-1a"] }, { name: "tainted", taints: [{ key: "a" }] }),
        karpenter({ zones: ["us-east-1b"] }, { name: "elsewhere" }),
        karpenter({ zones: ["us-east-1a"], capacity: { kind: "spot" } }, { name: "cheaper" }),
        karpenter({ zones: ["us-east-1a"] }, { name: "fixed", ...fixed(1) }),
      ]),
    ],
    ["nodes that exist", stack([existing()], HERE)],
    ["nodes that exist on this machine", stack([existing({ nodes: ["millwright"] }, fixed(1))], { kind: "local" })],
    [
      "simulated nodes of a block that grows",
      stack(
        [
          simulated({ capacity: BLOCK }),
          simulated({ instanceType: undefined }, { name: "cpu", machine: { cpu: 8, memoryGiB: 32 } }),
        ],
        SIMULATED,
      ),
    ],
    [
      "windows of every form",
      stack([
        karpenter({}, closed("*/15,30 0-6,8 1-15 jan-mar,12 *", 168)),
        karpenter({ instanceTypes: ["g5.xlarge"] }, { name: "b", ...closed("0 8 * * mon-fri/2", 167) }),
      ]),
    ],
    [
      "labels that a node cannot give itself",
      stack([karpenter({}, { labels: { "node-restriction.kubernetes.io/tier": "a", "example.com/a": "b" } })]),
    ],
  ] as const) {
    it(`such as ${what}`, () => {
      assert.deepEqual(poolProblems(given), []);
      const validation = validateStack(given);
      assert.deepEqual("problems" in validation ? validation.problems : [], []);
    });
  }
});

describe("pools at the edge of what is possible", () => {
  const sixteen = { cpu: 8, memoryGiB: 64, accelerator: "h100", accelerators: 16 };
  const unavailable = (maxUnavailable: string) => ({ disruption: { maxUnavailable } });
  for (const [what, given] of [
    ["as many devices as a machine has at most", stack([existing({}, { machine: sixteen })], HERE)],
    ["as many nodes as a capacity block has", stack([nodeGroup({ capacity: BLOCK }, fixed(64))])],
    ["as many nodes at least as at most", stack([nodeGroup({}, auto(2, 2))])],
    ["a limit of just one node", stack([karpenter({}, { limits: { accelerators: 4, cpu: 48 } })])],
    [
      "as many machines apart as there is room for",
      stack([karpenter({}, { ...auto(14), network: { placementGroup: "spread" } })]),
    ],
    ["one node of a node group taken away", stack([nodeGroup({}, unavailable("1"))])],
    ["all nodes of a node group taken away", stack([nodeGroup({}, unavailable("100%"))])],
    ["a range of one hour", stack([karpenter({}, closed("0 8-8 * * *", 23.9))])],
    ["a window of a day in a month", stack([karpenter({}, closed("0 8 1 * *", 100))])],
    ["a window in one month of the year", stack([karpenter({}, closed("0 8 * 12 *", 100))])],
    [
      "taints of one key with other effects, and of one effect with other keys",
      stack([karpenter({}, { taints: [{ key: "a" }, { key: "a", effect: "NoExecute" }, { key: "b" }] })]),
    ],
    [
      "a cluster placement group larger than one that is spread",
      stack([nodeGroup({}, { ...fixed(8), network: { placementGroup: "cluster" } })]),
    ],
    ["huge pages for EFA in a node group that grows", stack([nodeGroup({}, { ...auto(4), ...efa })])],
    [
      "a Karpenter pool in one zone beside one in the other, which names all of the cluster's but one",
      stack([karpenter({ zones: ["us-east-1a"] }), karpenter({ zones: ["us-east-1b"] }, { name: "other" })]),
    ],
  ] as const) {
    it(`such as ${what}`, () => assert.deepEqual(poolProblems(given), []));
  }

  it("such as a pool beside one of another kind with the same machines", () => {
    const problems = poolProblems(
      stack([karpenter(), nodeGroup({ instanceTypes: ["g6e.12xlarge"] }), existing({}, { name: "lab" })]),
    );
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["pools[2].provisioning.kind"],
    );
  });

  it("overlap where one of two is in all of the cluster's zones", () => {
    const problems = poolProblems(stack([karpenter(), karpenter({ zones: ["us-east-1b"] }, { name: "other" })]));
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["pools[1].provisioning.weight"],
    );
  });
});

describe("rules of pools", () => {
  it("say everything at once", () => {
    const wrong = karpenter({ zones: ["us-east-1c"] }, { ...auto(1, 2), ...slices, hugepages2MiGiB: 1 });
    const paths = poolProblems(stack([nodeGroup(), wrong])).map(({ path }) => path);
    assert.deepEqual(paths, [
      "pools[1].devices.kind",
      "pools[1].provisioning.zones[0]",
      "pools[1].hugepages2MiGiB",
      "pools[1].size.min",
      "pools[1].size.min",
    ]);
  });

  it("judge a pool wherever another is no pool at all, and without a cluster what needs none", () => {
    const problems = poolProblems({ pools: ["no pool", karpenter({ zones: ["us-west-9a"] }, auto(1, 2))] });
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["pools[1].size.min", "pools[1].size.min"],
    );
  });

  it("know how many types EKS takes in a node group", () => {
    const known = ["m7i", "c7i", "r7i"].flatMap((family) =>
      ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"].map((size) => `${family}.${size}`),
    );
    const says = (count: number) => {
      const instanceTypes = [...known, ...known].slice(0, count);
      return poolProblems(stack([nodeGroup({ instanceTypes })]))
        .filter(({ path }) => path === TYPES)
        .map(({ message }) => message);
    };
    assert.deepEqual(says(20), []);
    assert.deepEqual(says(21), ["must be at most 20 in a node group; these are 21. Karpenter takes more."]);
  });

  it("leave what is not a list to the schema", () => {
    for (const raw of [undefined, null, {}, { pools: "many" }, { pools: null }, { platform: 1, pools: [] }]) {
      assert.deepEqual(poolProblems(raw), []);
    }
  });
});
