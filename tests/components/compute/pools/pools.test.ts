import assert from "node:assert/strict";
import { GpuNodePool } from "../../../../components/compute/pools/component.ts";
import { karpenterFeatureGates } from "../../../../components/compute/pools/karpenter.ts";
import { renderNodeGroup } from "../../../../components/compute/pools/node-group.ts";
import { placementOf } from "../../../../components/compute/pools/placement.ts";
import type { GpuNodePoolArgs, PoolOf } from "../../../../components/compute/pools/types.ts";
import { AUTO_SCALING_GROUP, countByType, declare, find, PLACEMENT_GROUP, refusal } from "../../engine.ts";
import { EKS, existing, karpenter, nodeGroup, RESERVATION, simulated } from "./fixtures.ts";

const TYPE = "millwright:compute:GpuNodePool";
const TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";
const NODE_GROUP = "aws:eks/nodeGroup:NodeGroup";
const PLACEMENT = "aws:ec2/placementGroup:PlacementGroup";
const NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool";
const NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass";

const BLOCK = { kind: "capacityBlock", id: RESERVATION, ends: "2027-01-31T11:30:00Z" };
const TAGS = { "millwright.dev/stack": "test", "millwright.dev/pool": "training" };
const OBJECT_LABELS = {
  "app.kubernetes.io/name": "millwright",
  "app.kubernetes.io/component": "pool",
  "app.kubernetes.io/part-of": "millwright",
  "app.kubernetes.io/managed-by": "pulumi",
};

const declared = (args: GpuNodePoolArgs) => declare(() => new GpuNodePool("pool", args));

/** Not proven: that AWS, Karpenter and Kubernetes take it (tests/aws, tests/conformance), and what becomes of it. */
describe("a pool that is a node group", () => {
  const training = nodeGroup(
    { zones: ["us-east-1b"], capacity: { kind: "reserved", id: RESERVATION } },
    {
      network: { efa: "all", placementGroup: "cluster" },
      hugepages2MiGiB: 10,
      disruption: { maxUnavailable: "1" },
      labels: { "example.com/tier": "gold" },
    },
  );

  it("is a placement group, a launch template and the group, in this order", async () => {
    const { registrations, result } = await declared({ pool: training, cluster: EKS });
    assert.deepEqual(
      registrations.map(({ type, name }) => [type, name]),
      [
        [TYPE, "pool"],
        [PLACEMENT, "pool-placement"],
        [TEMPLATE, "pool-template"],
        [NODE_GROUP, "pool-nodes"],
      ],
    );
    for (const { name, parent } of registrations.slice(1)) {
      assert.equal(parent, "pool", name);
    }
    assert.deepEqual(find(registrations, TYPE).inputs, { pool: training, cluster: "eks" });
    assert.deepEqual(result.placement, placementOf(training));
    assert.deepEqual(find(registrations, PLACEMENT).inputs, { strategy: "cluster", tags: TAGS });
  });

  it("has machines of a reservation, with EFA, encrypted, told only by version 2 of the metadata service", async () => {
    const { registrations } = await declared({ pool: training, cluster: EKS });
    const { networkInterfaces, userData, ...inputs } = find(registrations, TEMPLATE).inputs;
    assert.deepEqual(inputs, {
      updateDefaultVersion: true,
      blockDeviceMappings: [
        {
          deviceName: "/dev/xvda",
          ebs: {
            volumeType: "gp3",
            volumeSize: 200,
            encrypted: "true",
            deleteOnTermination: "true",
            kmsKeyId: EKS.volumeKey,
          },
        },
      ],
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      placement: { groupName: PLACEMENT_GROUP },
      capacityReservationSpecification: {
        capacityReservationPreference: "capacity-reservations-only",
        capacityReservationTarget: { capacityReservationId: RESERVATION },
      },
      tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({
        resourceType,
        tags: TAGS,
      })),
      tags: TAGS,
    });
    assert.equal((networkInterfaces as unknown[]).length, 33);
    assert.deepEqual((networkInterfaces as unknown[])[1], {
      networkCardIndex: 0,
      deviceIndex: 1,
      interfaceType: "efa-only",
      securityGroups: ["sg-cluster", "sg-efa"],
      deleteOnTermination: "true",
    });
    const told = Buffer.from(String(userData), "base64").toString("utf8");
    assert.match(told, /vm\.nr_hugepages = 5120/);
    assert.match(told, /strategy: RAID0/);
  });

  it("has nodes with labels and taints, which EKS repairs and updates some at a time", async () => {
    const { registrations } = await declared({ pool: training, cluster: EKS });
    const { inputs, ignoreChanges } = find(registrations, NODE_GROUP);
    assert.deepEqual(inputs, {
      clusterName: "millwright-test",
      nodeRoleArn: EKS.nodeRole.arn,
      subnetIds: ["subnet-b"],
      launchTemplate: { id: "pool-template-id", version: "1" },
      amiType: "AL2023_x86_64_NVIDIA",
      capacityType: "ON_DEMAND",
      instanceTypes: ["p5.48xlarge"],
      scalingConfig: { minSize: 4, maxSize: 4, desiredSize: 4 },
      updateConfig: { maxUnavailable: 1 },
      nodeRepairConfig: { enabled: true },
      labels: {
        "example.com/tier": "gold",
        "millwright.dev/pool": "training",
        "millwright.dev/accelerator": "h100",
      },
      taints: [{ key: "nvidia.com/gpu", effect: "NO_SCHEDULE" }],
      tags: TAGS,
    });
    assert.deepEqual(ignoreChanges, []);
  });

  it("whose size is the autoscaler's never changes the number, and tells it what a node would have", async () => {
    const pool = nodeGroup(
      {},
      { size: { kind: "auto", max: 6 }, devices: { kind: "mig", profile: "1g.10gb" }, hugepages2MiGiB: 2 },
    );
    const { registrations } = await declared({ pool, cluster: EKS });
    const group = find(registrations, NODE_GROUP);
    assert.deepEqual(group.inputs["scalingConfig"], { minSize: 0, maxSize: 6, desiredSize: 0 });
    assert.deepEqual(group.ignoreChanges, ["scalingConfig.desiredSize"]);
    assert.deepEqual(group.inputs["subnetIds"], ["subnet-a", "subnet-b"]);
    assert.equal(countByType(registrations)[PLACEMENT], undefined);
    assert.deepEqual(
      registrations.filter(({ type }) => type === "aws:autoscaling/tag:Tag").map(({ name, inputs }) => [name, inputs]),
      [
        ["autoscaling-options/scaledownutilizationthreshold", "0"],
        ["autoscaling-options/scaledowngpuutilizationthreshold", "0"],
        ["autoscaling-options/scaledownunneededtime", "300s"],
        ["autoscaling-options/ignoredaemonsetsutilization", "true"],
        ["resources/nvidia.com/mig-1g.10gb", "56"],
        ["resources/hugepages-2Mi", "2Gi"],
      ].map(([what, value]) => [
        `pool-tag-${what!.split("/").at(-1)}`,
        {
          autoscalingGroupName: AUTO_SCALING_GROUP,
          tag: { key: `k8s.io/cluster-autoscaler/node-template/${what}`, value, propagateAtLaunch: false },
        },
      ]),
    );
  });

  for (const [consolidation, threshold] of [
    ["whenEmpty", "0"],
    ["whenUnderutilized", "0.5"],
    ["never", "-1"],
  ]) {
    it(`whose size is the autoscaler's loses nodes as the pool says: ${consolidation}`, async () => {
      const pool = nodeGroup(
        { instanceTypes: ["m7i.xlarge"] },
        { size: { kind: "auto", max: 6 }, disruption: { consolidation, consolidateAfterSeconds: 90 } },
      );
      const { registrations } = await declared({ pool, cluster: EKS });
      const options = registrations
        .filter(({ type }) => type === "aws:autoscaling/tag:Tag")
        .map(({ inputs }) => inputs["tag"] as { key: string; value: string })
        .map(({ key, value }) => [key.split("/").at(-1), value]);
      assert.deepEqual(Object.fromEntries(options), {
        scaledownutilizationthreshold: threshold,
        scaledowngpuutilizationthreshold: threshold,
        scaledownunneededtime: "90s",
        ignoredaemonsetsutilization: "true",
      });
    });
  }

  it("has the autoscaler wait for whole GPUs, and for nothing that it would wait for in vain", async () => {
    const label = async (pool: PoolOf<"nodeGroup">) => {
      const { registrations } = await declared({ pool, cluster: EKS });
      return (find(registrations, NODE_GROUP).inputs["labels"] as Record<string, string>)[
        "k8s.amazonaws.com/accelerator"
      ];
    };
    const size = { kind: "auto", max: 6 };
    assert.equal(await label(nodeGroup({}, { size })), "h100");
    assert.equal(await label(nodeGroup({}, { size: { kind: "fixed", nodes: 2 } })), undefined);
    assert.equal(await label(nodeGroup({}, { size, devices: { kind: "mig", profile: "1g.10gb" } })), undefined);
    assert.equal(await label(nodeGroup({}, { size, devices: { kind: "timeSlicing", slices: 4 } })), undefined);
    assert.equal(
      await label(nodeGroup({ instanceTypes: ["trn2.48xlarge"], capacity: { kind: "spot" } }, { size })),
      undefined,
    );
    assert.equal(await label(nodeGroup({ instanceTypes: ["m7i.xlarge"] }, { size })), undefined);
  });

  it("of a capacity block says so in the template, which then has the machine", async () => {
    const pool = nodeGroup({ instanceTypes: ["p5e.48xlarge"], capacity: BLOCK, zones: ["us-east-1a"] });
    const { registrations } = await declared({ pool, cluster: EKS });
    const template = find(registrations, TEMPLATE).inputs;
    assert.equal(template["instanceType"], "p5e.48xlarge");
    assert.deepEqual(template["instanceMarketOptions"], { marketType: "capacity-block" });
    const group = find(registrations, NODE_GROUP).inputs;
    assert.equal(group["capacityType"], "CAPACITY_BLOCK");
    assert.equal("instanceTypes" in group, false);
  });

  for (const [instanceType, amiType] of [
    ["g6e.xlarge", "AL2023_x86_64_NVIDIA"],
    ["trn2.48xlarge", "AL2023_x86_64_NEURON"],
    ["p6e-gb200.36xlarge", "AL2023_ARM_64_NVIDIA"],
    ["m7i.large", "AL2023_x86_64_STANDARD"],
    ["m7g.large", "AL2023_ARM_64_STANDARD"],
  ] as const) {
    it(`of ${instanceType} starts from ${amiType}`, () => {
      const launchTemplate = { id: "lt", version: "1" };
      const rendered = renderNodeGroup(nodeGroup({ instanceTypes: [instanceType] }), EKS, launchTemplate);
      assert.equal(rendered.amiType, amiType);
    });
  }

  it("updates by a share of its nodes where the stack says so, spot where it says so", () => {
    const pool = nodeGroup({ capacity: { kind: "spot" } }, { disruption: { maxUnavailable: "25%" } });
    const rendered = renderNodeGroup(pool, EKS, { id: "lt", version: "1" });
    assert.deepEqual(rendered.updateConfig, { maxUnavailablePercentage: 25 });
    assert.equal(rendered.capacityType, "SPOT");
  });
});

describe("a pool of Karpenter", () => {
  it("is a class and a pool that needs it", async () => {
    const pool = karpenter(
      { zones: ["us-east-1a"], capacity: { kind: "spot", fallback: "onDemand" }, weight: 20 },
      {
        limits: { accelerators: 8, cpu: 64 },
        disruption: {
          consolidation: "whenUnderutilized",
          closed: [{ schedule: "0 8 * * 1-5", hours: 10.5 }],
        },
      },
    );
    const { registrations } = await declared({ pool, cluster: EKS });
    assert.deepEqual(
      registrations.map(({ type, name, parent }) => [type, name, parent]),
      [
        [TYPE, "pool", undefined],
        [NODE_CLASS, "pool-class", "pool"],
        [NODE_POOL, "pool-auto-pool", "pool"],
      ],
    );
    assert.deepEqual(find(registrations, NODE_POOL).dependencies, ["pool-class"]);
    assert.deepEqual(find(registrations, NODE_CLASS).inputs, {
      apiVersion: "karpenter.k8s.aws/v1",
      kind: "EC2NodeClass",
      metadata: { name: "serving", labels: { ...OBJECT_LABELS, "millwright.dev/pool": "serving" } },
      spec: {
        role: "node-role",
        amiSelectorTerms: [{ alias: "al2023@v20260818" }],
        subnetSelectorTerms: [{ id: "subnet-a" }],
        securityGroupSelectorTerms: [{ id: "sg-cluster" }, { id: "sg-efa" }],
        blockDeviceMappings: [
          {
            deviceName: "/dev/xvda",
            rootVolume: true,
            ebs: {
              volumeType: "gp3",
              volumeSize: "200Gi",
              encrypted: true,
              deleteOnTermination: true,
              kmsKeyID: EKS.volumeKey,
            },
          },
        ],
        instanceStorePolicy: "RAID0",
        metadataOptions: {
          httpEndpoint: "enabled",
          httpProtocolIPv6: "disabled",
          httpPutResponseHopLimit: 1,
          httpTokens: "required",
        },
        tags: { "millwright.dev/stack": "test", "millwright.dev/pool": "serving" },
      },
    });
    assert.deepEqual(find(registrations, NODE_POOL).inputs, {
      apiVersion: "karpenter.sh/v1",
      kind: "NodePool",
      metadata: { name: "serving", labels: { ...OBJECT_LABELS, "millwright.dev/pool": "serving" } },
      spec: {
        template: {
          metadata: { labels: { "millwright.dev/pool": "serving", "millwright.dev/accelerator": "l40s" } },
          spec: {
            nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "serving" },
            requirements: [
              { key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6e.xlarge", "g6e.2xlarge"] },
              { key: "karpenter.sh/capacity-type", operator: "In", values: ["spot", "on-demand"] },
              { key: "topology.kubernetes.io/zone", operator: "In", values: ["us-east-1a"] },
              { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
              { key: "kubernetes.io/os", operator: "In", values: ["linux"] },
              { key: "karpenter.k8s.aws/instance-gpu-count", operator: "Gt", values: ["0"] },
            ],
            taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
            expireAfter: "720h",
            terminationGracePeriod: "24h",
          },
        },
        disruption: {
          consolidationPolicy: "WhenEmptyOrUnderutilized",
          consolidateAfter: "300s",
          budgets: [{ nodes: "10%" }, { nodes: "0", schedule: "0 8 * * 1-5", duration: "10h30m" }],
        },
        weight: 20,
        limits: { nodes: "10", cpu: "64", "nvidia.com/gpu": "8" },
      },
    });
  });

  it("of a fixed size keeps its nodes by itself, under a name of its own", async () => {
    const pool = karpenter(
      { instanceTypes: ["p5en.48xlarge"], capacity: BLOCK },
      {
        size: { kind: "fixed", nodes: 4 },
        network: { efa: "all", placementGroup: "spread" },
        hugepages2MiGiB: 10,
        disruption: { consolidation: "never" },
      },
    );
    const { registrations } = await declared({ pool, cluster: EKS });
    const nodePool = find(registrations, NODE_POOL, "pool-fixed-pool").inputs as {
      metadata: { name: string };
      spec: Record<string, unknown>;
    };
    assert.equal(nodePool.metadata.name, "serving.fixed");
    assert.equal(nodePool.spec["replicas"], 4);
    assert.equal("weight" in nodePool.spec || "limits" in nodePool.spec, false);
    assert.deepEqual(nodePool.spec["disruption"], {
      consolidationPolicy: "WhenEmpty",
      consolidateAfter: "Never",
      budgets: [{ nodes: "10%" }],
    });
    const template = nodePool.spec["template"] as {
      spec: { expireAfter: string; requirements: { key: string; values: string[] }[] };
    };
    assert.equal(template.spec.expireAfter, "Never");
    const valuesOf = (key: string) => template.spec.requirements.find((each) => each.key === key)?.values;
    assert.deepEqual(valuesOf("karpenter.sh/capacity-type"), ["reserved"]);
    assert.deepEqual(valuesOf("karpenter.k8s.aws/capacity-reservation-type"), ["capacity-block"]);
    const { spec } = find(registrations, NODE_CLASS).inputs as { spec: Record<string, unknown> };
    assert.deepEqual(spec["capacityReservationSelectorTerms"], [{ id: RESERVATION }]);
    assert.deepEqual(spec["placementGroupSelector"], { name: PLACEMENT_GROUP });
    assert.equal((spec["networkInterfaces"] as unknown[]).length, 17);
    assert.match(String(spec["userData"]), /vm\.nr_hugepages = 5120/);
    assert.doesNotMatch(String(spec["userData"]), /RAID0/);
  });

  it("asks for what is switched off in Karpenter unless somebody needs it", () => {
    const fixed = karpenter({}, { size: { kind: "fixed", nodes: 1 }, repair: false });
    assert.deepEqual(karpenterFeatureGates([nodeGroup()]), { staticCapacity: false, nodeRepair: false });
    assert.deepEqual(karpenterFeatureGates([karpenter()]), { staticCapacity: false, nodeRepair: true });
    assert.deepEqual(karpenterFeatureGates([nodeGroup(), fixed]), { staticCapacity: true, nodeRepair: false });
  });
});

describe("a pool of nodes that exist", () => {
  it("is one patch a node", async () => {
    const { registrations } = await declared({ pool: existing(), cluster: { kind: "existing" } });
    assert.deepEqual(
      registrations.slice(1).map(({ type, name, parent, inputs }) => ({ type, name, parent, inputs })),
      ["node-a", "node-b"].map((node) => ({
        type: "kubernetes:core/v1:NodePatch",
        name: `pool-node-${node}`,
        parent: "pool",
        inputs: {
          apiVersion: "v1",
          kind: "Node",
          metadata: {
            name: node,
            labels: { "millwright.dev/pool": "lab", "millwright.dev/accelerator": "a100-40gb" },
          },
          spec: { taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }] },
        },
      })),
    );
  });

  it("leaves taints to whoever has them where the pool has none", async () => {
    const { registrations } = await declared({ pool: existing({ taints: [] }), cluster: { kind: "local" } });
    for (const { inputs } of registrations.slice(1)) {
      assert.equal("spec" in inputs, false);
    }
  });
});

describe("a simulated pool's component", () => {
  it("is the one object the simulation acts on", async () => {
    const { registrations } = await declared({ pool: simulated(), cluster: { kind: "simulated" } });
    assert.deepEqual(countByType(registrations), { [TYPE]: 1, "kubernetes:millwright.dev/v1:SimulatedNodePool": 1 });
    assert.equal(registrations[1]!.parent, "pool");
  });
});

describe("a pool that cannot be", () => {
  it("is refused by the component, too, with everything that is wrong", async () => {
    const wrong = karpenter({ zones: ["us-east-1c"] }, { size: { kind: "auto", min: 2, max: 1 } });
    const error = await refusal(() => new GpuNodePool("pool", { pool: wrong, cluster: EKS }));
    assert.match(error.message, /^The pool serving cannot be made:\n/);
    assert.match(error.message, /provisioning\.zones\[0\]: must be a zone of the cluster/);
    assert.equal(error.message.match(/ {2}size\.min: /g)?.length, 2);
  });

  it("is refused on a cluster of another kind", async () => {
    const error = await refusal(() => new GpuNodePool("pool", { pool: karpenter(), cluster: { kind: "local" } }));
    assert.match(error.message, /provisioning\.kind: must be existing: the cluster is local\. \(found "karpenter"\)/);
  });
});
