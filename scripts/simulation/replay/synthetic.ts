import { Failure } from "../../lib/failure.ts";
import { type Random, seededRandom } from "../random.ts";
import { inOrder, type Trace, type TraceNode, type TracePod } from "./trace.ts";

/** What a synthetic trace is made by. */
export interface SyntheticOptions {
  readonly nodes: number;
  readonly pods: number;
  readonly seed: number;
  /** GPU time that is asked for while pods arrive, by the GPU time there is. */
  readonly load: number;
  /** Share of the pods with GPUs that take one model of GPU only. */
  readonly constrained: number;
  /** Share of the pods with GPUs that ask for a part of one. */
  readonly partial: number;
  /** Of all GPUs that are asked for, the share asked for by pods that want several. */
  readonly multiGpu: number;
}

export const SYNTHETIC_DEFAULTS: SyntheticOptions = {
  nodes: 300,
  pods: 5000,
  seed: 17,
  load: 1,
  constrained: 0.33,
  partial: 0.436,
  multiGpu: 0.073,
};

/**
 * Machines and how many of 1,213 are so: the GPU nodes of Alibaba's trace of 2023 (github.com/alibaba/clusterdata,
 * cluster-trace-gpu-v2023, openb_node_list_gpu_node.csv; kinds with fewer than ten machines are left out). G2 and G3 are
 * Alibaba's names of models it does not disclose.
 */
const NODE_KINDS = [
  { gpuModel: "G2", gpus: 8, cpuMilli: 96_000, memoryMiB: 393_216, weight: 549 },
  { gpuModel: "T4", gpus: 2, cpuMilli: 104_000, memoryMiB: 524_288, weight: 387 },
  { gpuModel: "P100", gpus: 2, cpuMilli: 16_000, memoryMiB: 122_880, weight: 107 },
  { gpuModel: "G3", gpus: 8, cpuMilli: 128_000, memoryMiB: 786_432, weight: 39 },
  { gpuModel: "V100M16", gpus: 4, cpuMilli: 32_000, memoryMiB: 131_072, weight: 28 },
  { gpuModel: "P100", gpus: 2, cpuMilli: 64_000, memoryMiB: 262_144, weight: 22 },
  { gpuModel: "V100M32", gpus: 8, cpuMilli: 96_000, memoryMiB: 393_216, weight: 21 },
  { gpuModel: "V100M16", gpus: 1, cpuMilli: 8000, memoryMiB: 32_768, weight: 19 },
  { gpuModel: "T4", gpus: 4, cpuMilli: 96_000, memoryMiB: 393_216, weight: 17 },
] as const;

interface Shape {
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  readonly memoryMiB: number;
  readonly weight: number;
}

interface PodKind {
  readonly gpus: "none" | "part" | "one" | "several";
  /** Share of all pods, in percent. */
  readonly weight: number;
  /** The logarithm of how long it runs is normal, of this median and deviation. */
  readonly medianSeconds: number;
  readonly sigma: number;
  /** What it asks for, each as often as its weight. */
  readonly shapes: readonly Shape[];
}

const shape = (gpuMilli: number, cpuMilli: number, memoryMiB: number, weight: number): Shape => ({
  gpuMilli,
  cpuMilli,
  memoryMiB,
  weight,
});

/** Every pair of a part of a GPU and of cores with memory, as often as both together would come. */
function parts(milli: readonly (readonly [number, number])[], beside: readonly (readonly [number, number, number])[]) {
  return milli.flatMap(([gpuMilli, often]) =>
    beside.map(([cpuMilli, memoryMiB, weight]) => shape(gpuMilli, cpuMilli, memoryMiB, often * weight)),
  );
}

/**
 * Pods by what they ask for: the population, the most frequent requests and the fit of the durations of the 8,152 pods of the
 * same trace (openb_pod_list_default.csv; its share of GPUs by kind is also the first table of Weng et al., "Beware of
 * Fragmentation", USENIX ATC 2023). `medianSeconds` is e to the mean of the logarithms of deletion_time - creation_time, and
 * `sigma` their standard deviation: the tail of services that run for months is lighter here than there.
 */
const POD_KINDS: readonly PodKind[] = [
  {
    gpus: "none",
    weight: 13.3,
    medianSeconds: 662,
    sigma: 1.72,
    shapes: [
      shape(0, 12_500, 57_344, 364),
      shape(0, 32_000, 49_152, 284),
      shape(0, 8000, 30_517, 163),
      shape(0, 15_400, 51_200, 120),
    ],
  },
  {
    gpus: "part",
    weight: 37.8,
    medianSeconds: 504,
    sigma: 1.97,
    shapes: parts(
      [
        [810, 1078],
        [470, 750],
        [320, 328],
        [650, 253],
        [230, 140],
        [460, 128],
        [590, 75],
        [160, 74],
        [550, 72],
        [220, 62],
      ],
      [
        [3152, 5600, 1122],
        [11_908, 47_104, 625],
        [8000, 30_517, 486],
        [4000, 22_888, 189],
      ],
    ),
  },
  {
    gpus: "one",
    weight: 48.0,
    medianSeconds: 727,
    sigma: 1.8,
    shapes: [
      shape(1000, 11_300, 49_152, 857),
      shape(1000, 11_400, 48_128, 534),
      shape(1000, 3152, 5600, 470),
      shape(1000, 18_708, 64_512, 255),
      shape(1000, 9810, 41_560, 195),
      shape(1000, 12_000, 24_576, 158),
    ],
  },
  {
    gpus: "several",
    weight: 0.9,
    medianSeconds: 1500,
    sigma: 2.6,
    shapes: [
      shape(2000, 16_200, 66_560, 16),
      shape(4000, 32_200, 132_096, 15),
      shape(8000, 88_000, 327_680, 26),
      shape(8000, 64_200, 263_168, 18),
    ],
  },
];

/** Nothing runs longer: a week. */
const LONGEST_SECONDS = 7 * 86_400;

/**
 * Makes a trace up: machines and pods in the proportions of a published one, arrivals at random (a Poisson process) over the
 * time in which the pods ask for `load` of the GPU time there is. The same options make the same trace.
 *
 * @throws Failure where the pods are too few for the load, with the arithmetic
 */
export function syntheticTrace(options: SyntheticOptions): Trace {
  const nodes = syntheticNodes(options.nodes);
  const models = [...new Set(nodes.filter(({ gpus }) => gpus > 0).map(({ gpuModel }) => gpuModel))];
  const choices = models.map((model) => ({
    model,
    mostGpus: Math.max(...nodes.filter(({ gpuModel }) => gpuModel === model).map(({ gpus }) => gpus)),
    weight: nodes.reduce((sum, { gpuModel, gpus }) => sum + (gpuModel === model ? gpus : 0), 0),
  }));
  const random = seededRandom(options.seed, "pods");
  const kinds = kindsFor(options);
  const mostGpus = Math.max(...choices.map((choice) => choice.mostGpus));
  const pods = Array.from({ length: options.pods }, (_, at) => {
    const kind = random.pick(kinds);
    const { gpuMilli, cpuMilli, memoryMiB } = random.pick(
      kind.shapes.filter((each) => each.gpuMilli <= 1000 * mostGpus),
    );
    const durationSeconds = Math.ceil(Math.min(LONGEST_SECONDS, random.logNormal(kind.medianSeconds, kind.sigma)));
    const constrained = random.uniform() < options.constrained;
    const fitting = choices.filter((choice) => 1000 * choice.mostGpus >= gpuMilli);
    const gpuModels = gpuMilli > 0 && constrained ? [random.pick(fitting).model] : [];
    return { name: `pod-${at + 1}`, cpuMilli, memoryMiB, gpuMilli, gpuModels, durationSeconds };
  });
  const capacity = 1000 * nodes.reduce((sum, { gpus }) => sum + gpus, 0);
  const seconds = arrivalWindow(pods, capacity, options.load);
  return { nodes, pods: arriving(pods, seconds, seededRandom(options.seed, "arrivals")) };
}

function arriving(pods: readonly Omit<TracePod, "arrivalSeconds">[], seconds: number, random: Random): TracePod[] {
  // A Poisson process of which one knows how many came: each at any moment alike.
  return inOrder(pods.map((pod) => ({ ...pod, arrivalSeconds: Math.floor(random.uniform() * seconds) })));
}

/** Kinds of nodes in their proportions, the largest remainders rounded up; every number of nodes gives exactly so many. */
function syntheticNodes(count: number): TraceNode[] {
  const total = NODE_KINDS.reduce((sum, { weight }) => sum + weight, 0);
  const shares = NODE_KINDS.map((kind, at) => {
    const exact = (count * kind.weight) / total;
    return { kind, at, whole: Math.floor(exact), rest: exact - Math.floor(exact) };
  });
  const missing = count - shares.reduce((sum, { whole }) => sum + whole, 0);
  const raised = new Set(
    [...shares]
      .sort((a, b) => b.rest - a.rest || a.at - b.at)
      .slice(0, missing)
      .map(({ at }) => at),
  );
  return shares.flatMap(({ kind: { weight: _, ...machine }, at, whole }) =>
    Array.from({ length: whole + (raised.has(at) ? 1 : 0) }, (__, number) => ({
      name: `${machine.gpuModel.toLowerCase()}-${at + 1}-${number + 1}`,
      ...machine,
    })),
  );
}

/**
 * The kinds, weighted such that of the pods with GPUs the share `partial` asks for a part of one, and pods that want several ask
 * for the share `multiGpu` of all GPUs.
 */
function kindsFor({ partial, multiGpu }: Pick<SyntheticOptions, "partial" | "multiGpu">): PodKind[] {
  const gpusOf = (gpus: PodKind["gpus"]) => {
    const { shapes } = POD_KINDS.find((kind) => kind.gpus === gpus)!;
    return (
      shapes.reduce((sum, { gpuMilli, weight }) => sum + gpuMilli * weight, 0) /
      shapes.reduce((sum, { weight }) => sum + weight, 0)
    );
  };
  // Let p, o and s be the numbers of pods that want a part, one and several: p = partial (p + o + s), and
  // s gpus(s) = multiGpu (p gpus(p) + o gpus(o) + s gpus(s)), for p + o = 1 scaled afterwards.
  const pods = (share: number) => {
    const asked = share * gpusOf("part") + (1 - share) * gpusOf("one");
    const several = (asked * multiGpu) / (1 - multiGpu) / gpusOf("several");
    return { part: share, one: 1 - share, several, total: 1 + several };
  };
  let [low, high] = [0, 1];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (pods(middle).part / pods(middle).total < partial) low = middle;
    else high = middle;
  }
  const { part, one, several, total } = pods(partial === 0 ? 0 : high);
  const none = POD_KINDS.find(({ gpus }) => gpus === "none")!.weight;
  const weights = { part, one, several };
  return POD_KINDS.map((kind) =>
    kind.gpus === "none" ? kind : { ...kind, weight: ((100 - none) * weights[kind.gpus]) / total },
  );
}

/**
 * Seconds over which pods must arrive to ask for `load` of the capacity within them. A pod that comes at any moment of T alike
 * and runs for d asks, before T is over, on average for d - d^2 / 2T if d < T and T / 2 otherwise; their sum by T falls as T
 * grows, so T is found by halving.
 */
export function arrivalWindow(
  pods: readonly Pick<TracePod, "gpuMilli" | "durationSeconds">[],
  capacityMilli: number,
  load: number,
): number {
  const within = (gpuMilli: number, d: number, seconds: number) =>
    gpuMilli * (d < seconds ? d - (d * d) / (2 * seconds) : seconds / 2);
  const loadOf = (seconds: number) =>
    pods.reduce((sum, pod) => sum + within(pod.gpuMilli, pod.durationSeconds, seconds), 0) / (capacityMilli * seconds);
  const shortest = 60;
  if (loadOf(shortest) < load) {
    const gpus = pods.reduce((sum, { gpuMilli }) => sum + gpuMilli, 0) / 1000;
    throw new Failure(
      `${pods.length} pods ask for ${gpus.toFixed(0)} GPUs, and a load of ${load} on ${capacityMilli / 1000} GPUs needs more: arriving within ${shortest} s they make ${loadOf(shortest).toFixed(2)}`,
      "name more pods, fewer nodes or a lower load",
    );
  }
  let [low, high] = [shortest, 1e9];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (loadOf(middle) > load) low = middle;
    else high = middle;
  }
  return high;
}
