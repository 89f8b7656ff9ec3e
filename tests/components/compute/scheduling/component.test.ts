import assert from "node:assert/strict";
import { Scheduling } from "../../../../components/compute/scheduling/component.ts";
import type { SchedulingSpec } from "../../../../stacks/scheduling.ts";
import { countByType, declare, find, refusal } from "../../engine.ts";
import { COUNTED, changed, POOLS, QUEUED } from "./fixtures.ts";

/** What the component asks the engine for. That a cluster takes it is shown by objects.cluster.test.ts. */

const make = (spec: SchedulingSpec) => declare(() => new Scheduling("scheduling", { spec, pools: POOLS }));

const kueue = (kind: string) => `kubernetes:kueue.x-k8s.io/v1beta2:${kind}`;

describe("scheduling by Kueue", () => {
  it("is priorities twice, a flavor a pool, a cohort, a topology, and of each team a namespace and its queues", async () => {
    const { registrations, result } = await make(QUEUED);
    assert.deepEqual(countByType(registrations), {
      "millwright:compute:Scheduling": 1,
      "kubernetes:scheduling.k8s.io/v1:PriorityClass": 7,
      "kubernetes:core/v1:Namespace": 2,
      [kueue("WorkloadPriorityClass")]: 7,
      [kueue("ResourceFlavor")]: 5,
      [kueue("Topology")]: 1,
      [kueue("Cohort")]: 1,
      [kueue("ClusterQueue")]: 2,
      [kueue("LocalQueue")]: 2,
    });
    assert.deepEqual(result.namespaces, { vision: "vision", language: "nlp" });
  });

  it("has no topology where the network is one", async () => {
    const { registrations } = await make(changed(QUEUED, (draft) => (draft.topology = [])));
    assert.equal(countByType(registrations)[kueue("Topology")], undefined);
    const { inputs } = find(registrations, kueue("ResourceFlavor"), "scheduling-flavor-training");
    assert.ok(!("topologyName" in (inputs["spec"] as object)));
  });

  it("removes queues before what they name, and namespaces last", async () => {
    const { registrations } = await make(QUEUED);
    const queue = find(registrations, kueue("ClusterQueue"), "scheduling-vision-cluster-queue");
    for (const name of [
      "scheduling-flavor-training",
      "scheduling-cohort",
      "scheduling-queue-priority-millwright-search",
    ]) {
      assert.ok(queue.dependencies.includes(name), name);
    }
    const local = find(registrations, kueue("LocalQueue"), "scheduling-vision-queue");
    assert.ok(local.dependencies.includes("scheduling-vision-cluster-queue"));
    assert.ok(local.dependencies.includes("scheduling-vision-namespace"));
    const flavor = find(registrations, kueue("ResourceFlavor"), "scheduling-flavor-training");
    assert.ok(flavor.dependencies.includes("scheduling-topology"));
  });

  it("has a queue a team, of all resources of all pools, for its namespace alone", async () => {
    const { registrations } = await make(QUEUED);
    const { inputs } = find(registrations, kueue("ClusterQueue"), "scheduling-language-cluster-queue");
    assert.deepEqual(inputs["spec"], {
      cohortName: "millwright",
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "nlp" } },
      queueingStrategy: "BestEffortFIFO",
      resourceGroups: [
        {
          coveredResources: [
            "cpu",
            "hugepages-2Mi",
            "memory",
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/mig-1g.10gb",
            "vpc.amazonaws.com/efa",
          ],
          flavors: [
            {
              name: "training",
              resources: [
                { name: "cpu", nominalQuota: "288" },
                { name: "hugepages-2Mi", nominalQuota: "15Gi" },
                { name: "memory", nominalQuota: "3057Gi" },
                { name: "nvidia.com/gpu", nominalQuota: "12" },
                { name: "nvidia.com/gpu.shared", nominalQuota: "0" },
                { name: "nvidia.com/mig-1g.10gb", nominalQuota: "0" },
                { name: "vpc.amazonaws.com/efa", nominalQuota: "48" },
              ],
            },
          ],
        },
      ],
      preemption: {
        reclaimWithinCohort: "Any",
        withinClusterQueue: "LowerPriority",
        borrowWithinCohort: { policy: "Never" },
      },
      flavorFungibility: { whenCanBorrow: "TryNextFlavor", whenCanPreempt: "TryNextFlavor" },
      fairSharing: { weight: "1" },
    });
  });

  it("says limits of borrowing and lending, and weights that are no whole number", async () => {
    const { registrations } = await make(QUEUED);
    const { inputs } = find(registrations, kueue("ClusterQueue"), "scheduling-vision-cluster-queue");
    const { fairSharing, resourceGroups } = inputs["spec"] as {
      fairSharing: object;
      resourceGroups: { flavors: { name: string; resources: { name: string }[] }[] }[];
    };
    assert.deepEqual(fairSharing, { weight: "2500m" });
    const [training, serving] = resourceGroups[0]!.flavors;
    const devices = (flavor: typeof training) => flavor!.resources.find(({ name }) => name === "nvidia.com/gpu");
    assert.deepEqual(devices(training), {
      name: "nvidia.com/gpu",
      nominalQuota: "20",
      borrowingLimit: "8",
      lendingLimit: "10",
    });
    assert.deepEqual(devices(serving), { name: "nvidia.com/gpu", nominalQuota: "12" });
  });

  it("knows a pool by its label and its taints, and gives what it admits the tolerations", async () => {
    const { registrations } = await make(QUEUED);
    const { inputs } = find(registrations, kueue("ResourceFlavor"), "scheduling-flavor-training");
    assert.deepEqual(inputs["spec"], {
      nodeLabels: { "millwright.dev/pool": "training" },
      nodeTaints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
      tolerations: [{ key: "nvidia.com/gpu", operator: "Equal", effect: "NoSchedule" }],
      topologyName: "millwright",
    });
    const plain = find(registrations, kueue("ResourceFlavor"), "scheduling-flavor-plain").inputs["spec"];
    assert.deepEqual(plain, { nodeLabels: { "millwright.dev/pool": "plain" }, topologyName: "millwright" });
  });

  it("orders queues by the scheduler's own priorities", async () => {
    const { registrations } = await make(QUEUED);
    const values = (type: string) =>
      Object.fromEntries(
        registrations
          .filter((each) => each.type === type)
          .map(({ inputs }) => [(inputs["metadata"] as { name: string }).name, inputs["value"]]),
      );
    assert.deepEqual(values(kueue("WorkloadPriorityClass")), values("kubernetes:scheduling.k8s.io/v1:PriorityClass"));
  });
});

describe("scheduling by the core", () => {
  it("is priorities, and of each team a namespace with a quota and what containers get by themselves", async () => {
    const { registrations } = await make(COUNTED);
    assert.deepEqual(countByType(registrations), {
      "millwright:compute:Scheduling": 1,
      "kubernetes:scheduling.k8s.io/v1:PriorityClass": 7,
      "kubernetes:core/v1:Namespace": 2,
      "kubernetes:core/v1:ResourceQuota": 2,
      "kubernetes:core/v1:LimitRange": 2,
    });
  });

  it("adds a team's quotas up, with 0 of what it has none of", async () => {
    const { registrations } = await make(COUNTED);
    const quotaOf = (team: string) => {
      const { inputs } = find(registrations, "kubernetes:core/v1:ResourceQuota", `scheduling-${team}-quota`);
      return (inputs["spec"] as { hard: Record<string, string> }).hard;
    };
    assert.deepEqual(quotaOf("vision"), {
      "requests.cpu": String(480 + 100 + 64),
      "requests.hugepages-2Mi": "25Gi",
      "requests.memory": `${(4 * 2038 * 20) / 32 + 500 + 512}Gi`,
      "requests.nvidia.com/gpu": "32",
      "requests.nvidia.com/gpu.shared": "0",
      "requests.nvidia.com/mig-1g.10gb": "28",
      "requests.vpc.amazonaws.com/efa": "80",
    });
    assert.equal(quotaOf("language")["requests.nvidia.com/mig-1g.10gb"], "0");
    assert.equal(quotaOf("language")["requests.cpu"], "348");
    assert.equal(quotaOf("language")["requests.memory"], `${(3057 + 240.5) * 1024}Mi`);
  });

  it("makes namespaces that hold pods to the restricted standard", async () => {
    const { registrations } = await make(COUNTED);
    const { inputs } = find(registrations, "kubernetes:core/v1:Namespace", "scheduling-language-namespace");
    const { name, labels } = inputs["metadata"] as { name: string; labels: Record<string, string> };
    assert.equal(name, "nlp");
    assert.equal(labels["pod-security.kubernetes.io/enforce"], "restricted");
  });
});

describe("scheduling", () => {
  it("carries labels on every object", async () => {
    for (const spec of [QUEUED, COUNTED]) {
      const { registrations } = await make(spec);
      for (const { name, inputs, custom } of registrations.filter((each) => each.custom)) {
        const { labels } = inputs["metadata"] as { labels: Record<string, string> };
        assert.equal(labels["app.kubernetes.io/component"], "scheduling", `${name} ${custom}`);
      }
    }
  });

  it("is refused with every problem at once", async () => {
    const spec = changed(QUEUED, (draft) => {
      draft.teams[0].quotas[0].lend = 21;
      draft.teams[1].quotas[0].pool = "gone";
    });
    const { message } = await refusal(() => new Scheduling("scheduling", { spec, pools: POOLS }));
    assert.match(message, /teams\[0\]\.quotas\[0\]\.lend: must be at most/);
    assert.match(message, /teams\[1\]\.quotas\[0\]\.pool: must be one of the pools/);
  });
});
