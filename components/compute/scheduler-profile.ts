import type { SchedulingSpec } from "../../stacks/scheduling.ts";

/** Which of the nodes with room a pod gets. */
export type PlacementKind = SchedulingSpec["placement"]["kind"];

/** What the scheduler's own file must say because flags of the same meaning are ignored beside `--config`. */
export interface SchedulerSettings {
  /** Path of the kubeconfig it reaches the API server with. @default none: the in-cluster one */
  readonly kubeconfig?: string;
  /** Requests a second to the API server. The scheduler's own 50 and 100 place about fifty pods a second. @default 500 */
  readonly qps?: number;
  /** @default 1000 */
  readonly burst?: number;
  /** Resources of devices beyond {@link COMMON_ACCELERATORS}, such as MIG profiles of the stack's pools. @default none */
  readonly accelerators?: readonly string[];
}

/** What device plugins call a device, whole or shared: NVIDIA's, AMD's and AWS Neuron's. */
export const COMMON_ACCELERATORS: readonly string[] = [
  "amd.com/gpu",
  "aws.amazon.com/neuron",
  "aws.amazon.com/neuroncore",
  "nvidia.com/gpu",
  "nvidia.com/gpu.shared",
];

/** Highest weight that NodeResourcesFit takes. */
const ACCELERATOR_WEIGHT = 100;

const SCHEDULER_NAME = "default-scheduler";

/**
 * The configuration of kube-scheduler 1.36 (KubeSchedulerConfiguration v1), whole, for its `--config`.
 *
 * `spread` is the scheduler as it comes. `pack` fills nodes one after the other, so that whole ones stay free for a job
 * that wants all devices of several:
 *
 * - NodeResourcesFit scores by MostAllocated. Of the resources a pod asks for, each counts
 *   `weight * 100 * requested / allocatable`, summed and divided by the sum of the weights; an extended resource counts only
 *   for pods that ask for it, so pods without devices are packed by cores and memory. Devices weigh 100, cores and memory 1
 *   each: one device of eight more is worth 100/102 * 12.5 = 12.3 points, all cores and all memory of a node together
 *   200/102 = 2. So they break ties, up to 50 devices a node.
 * - NodeResourcesBalancedAllocation is off: it likes the node whose cores and memory are used alike, and would pull away
 *   from the fullest.
 * - PodTopologySpread spreads only pods that say so themselves; by default it keeps the pods of every Service apart, and
 *   the workers of a training have one.
 * - Weights: what a pod or a node says of itself (affinities, its own spreading, PreferNoSchedule taints), times twenty or
 *   thirty, is above any packing, times ten; and packing by one device of eight (123) is above the image that lies on the
 *   node already, times one (100).
 * - All nodes are looked at. Beyond a hundred the scheduler otherwise scores a sample of them, another one each time, and
 *   the fullest node is seldom in it. It costs time in proportion to the nodes.
 *
 * Sources: k8s.io/kubernetes 1.36 pkg/scheduler/framework/plugins/noderesources (most_allocated.go,
 * resource_allocation.go) and pkg/scheduler/apis/config/v1 (default_plugins.go, defaults.go).
 */
export function kubeSchedulerConfiguration(placement: PlacementKind, settings: SchedulerSettings = {}) {
  const { kubeconfig, qps = 500, burst = 1000, accelerators = [] } = settings;
  return {
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
    clientConnection: { ...(kubeconfig === undefined ? {} : { kubeconfig }), qps, burst },
    // There is one scheduler, on the machine of its API server: nobody to elect.
    leaderElection: { leaderElect: false },
    enableProfiling: false,
    enableContentionProfiling: false,
    profiles: [placement === "pack" ? packing(accelerators) : { schedulerName: SCHEDULER_NAME }],
  };
}

function packing(further: readonly string[]) {
  const devices = [...new Set([...COMMON_ACCELERATORS, ...further])].sort();
  return {
    schedulerName: SCHEDULER_NAME,
    percentageOfNodesToScore: 100,
    plugins: {
      multiPoint: { disabled: [{ name: "NodeResourcesBalancedAllocation" }] },
      score: {
        enabled: [
          { name: "NodeResourcesFit", weight: 10 },
          { name: "TaintToleration", weight: 30 },
          { name: "NodeAffinity", weight: 20 },
          { name: "PodTopologySpread", weight: 20 },
          { name: "InterPodAffinity", weight: 20 },
          { name: "ImageLocality", weight: 1 },
        ],
      },
    },
    pluginConfig: [
      {
        name: "NodeResourcesFit",
        args: {
          scoringStrategy: {
            type: "MostAllocated",
            resources: [
              ...devices.map((name) => ({ name, weight: ACCELERATOR_WEIGHT })),
              { name: "cpu", weight: 1 },
              { name: "memory", weight: 1 },
            ],
          },
        },
      },
      { name: "PodTopologySpread", args: { defaultingType: "List", defaultConstraints: [] } },
    ],
  };
}
