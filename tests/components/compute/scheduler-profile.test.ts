import assert from "node:assert/strict";
import fc from "fast-check";
import { COMMON_ACCELERATORS, kubeSchedulerConfiguration } from "../../../components/compute/scheduler-profile.ts";

interface Packing {
  readonly percentageOfNodesToScore: number;
  readonly plugins: {
    readonly multiPoint: { readonly disabled: readonly { readonly name: string }[] };
    readonly score: { readonly enabled: readonly { readonly name: string; readonly weight: number }[] };
  };
  readonly pluginConfig: readonly { readonly name: string; readonly args: Record<string, unknown> }[];
}

function packing(accelerators?: readonly string[]): Packing {
  const { profiles } = kubeSchedulerConfiguration("pack", accelerators === undefined ? {} : { accelerators });
  return profiles[0] as unknown as Packing;
}

function resourcesOf(profile: Packing): { readonly name: string; readonly weight: number }[] {
  const { scoringStrategy } = profile.pluginConfig[0]!.args as {
    scoringStrategy: { type: string; resources: { name: string; weight: number }[] };
  };
  return scoringStrategy.resources;
}

const weightOf = (profile: Packing, plugin: string): number =>
  profile.plugins.score.enabled.find(({ name }) => name === plugin)!.weight;

/** The score kube-scheduler gives a node for a pod by MostAllocated: see the docstring of the profile. */
function mostAllocated(
  resources: readonly { readonly name: string; readonly weight: number }[],
  used: Readonly<Record<string, number>>,
): number {
  const counted = resources.filter(({ name }) => used[name] !== undefined);
  const sum = counted.reduce((total, { name, weight }) => total + weight * Math.floor(100 * used[name]!), 0);
  return Math.floor(sum / counted.reduce((total, { weight }) => total + weight, 0));
}

describe("profile of the scheduler", () => {
  it("leaves the scheduler as it comes where pods are spread", () => {
    assert.deepEqual(kubeSchedulerConfiguration("spread"), {
      apiVersion: "kubescheduler.config.k8s.io/v1",
      kind: "KubeSchedulerConfiguration",
      clientConnection: { qps: 500, burst: 1000 },
      leaderElection: { leaderElect: false },
      enableProfiling: false,
      enableContentionProfiling: false,
      profiles: [{ schedulerName: "default-scheduler" }],
    });
  });

  it("packs by devices, with nothing that pulls away from the fullest node", () => {
    const profile = packing();
    assert.equal(profile.percentageOfNodesToScore, 100);
    assert.deepEqual(profile.plugins.multiPoint.disabled, [{ name: "NodeResourcesBalancedAllocation" }]);
    assert.deepEqual(profile.pluginConfig[1], {
      name: "PodTopologySpread",
      args: { defaultingType: "List", defaultConstraints: [] },
    });
    const names = resourcesOf(profile).map(({ name }) => name);
    assert.deepEqual(names, [...COMMON_ACCELERATORS, "cpu", "memory"]);
  });

  it("packs by the devices of the stack's pools too, each once", () => {
    const names = resourcesOf(packing(["nvidia.com/mig-1g.10gb", "nvidia.com/gpu"])).map(({ name }) => name);
    assert.ok(names.includes("nvidia.com/mig-1g.10gb"));
    assert.equal(new Set(names).size, names.length);
  });

  it("prefers one device more in use to any cores and memory in use, on nodes of up to 48 devices", () => {
    const resources = resourcesOf(packing());
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const devices = fc
      .integer({ min: 2, max: 48 })
      .chain((all) => fc.record({ all: fc.constant(all), used: fc.integer({ min: 1, max: all - 1 }) }));
    fc.assert(
      fc.property(devices, share, share, share, share, ({ all, used }, cpu, memory, otherCpu, otherMemory) => {
        const fuller = { "nvidia.com/gpu": (used + 1) / all, cpu, memory };
        const emptier = { "nvidia.com/gpu": used / all, cpu: otherCpu, memory: otherMemory };
        // The scheduler rounds down twice, so at the edge they may draw; the fuller never loses.
        assert.ok(mostAllocated(resources, fuller) >= mostAllocated(resources, emptier));
      }),
    );
  });

  it("puts what pods say of themselves above packing, and packing by a device above an image that is there", () => {
    const profile = packing();
    const fit = weightOf(profile, "NodeResourcesFit");
    const said = ["TaintToleration", "NodeAffinity", "PodTopologySpread", "InterPodAffinity"];
    for (const plugin of said) {
      assert.ok(weightOf(profile, plugin) > fit, plugin);
    }
    const resources = resourcesOf(profile);
    const step =
      mostAllocated(resources, { "nvidia.com/gpu": 2 / 8, cpu: 0, memory: 0 }) -
      mostAllocated(resources, { "nvidia.com/gpu": 1 / 8, cpu: 0, memory: 0 });
    assert.ok(step * fit > 100 * weightOf(profile, "ImageLocality"), `${step} * ${fit}`);
  });
});
