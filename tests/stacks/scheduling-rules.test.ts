import assert from "node:assert/strict";
import fc from "fast-check";
import type { Problem } from "../../components/core/problem.ts";
import { RECORDER_RESOURCES } from "../../components/training/defaults.ts";
import { schedulingProblems } from "../../stacks/scheduling-rules.ts";
import { validateStack } from "../../stacks/validate.ts";

/** What pools, quotas and workloads say of each other in a stack file, as a user writes it. */

// biome-ignore lint/suspicious/noExplicitAny: a stack as a user writes it, before anything has read it.
type Raw = any;

const RESOURCES = { cpu: 8, memoryGiB: 64 };

const nodes = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Ten nodes of eight H100, half of them one team's; a pool of whole CPUs; a pool whose devices are shared by time. */
function stack(change: (draft: Raw) => void = () => {}): Raw {
  const draft: Raw = {
    platform: {
      cluster: { kind: "existing", context: "c" },
      namespace: "vision",
      team: "vision",
      storage: { kind: "storageClass", storageClassName: "fast", sizeGiB: 10 },
      registry: "registry.example/m",
    },
    pools: [
      {
        name: "h100",
        provisioning: { kind: "existing", nodes: nodes("n", 10) },
        machine: { cpu: 192, memoryGiB: 2048, accelerator: "h100", accelerators: 8 },
        size: { kind: "fixed", nodes: 10 },
      },
      {
        name: "plain",
        provisioning: { kind: "existing", nodes: nodes("m", 4) },
        machine: { cpu: 32, memoryGiB: 128 },
        size: { kind: "fixed", nodes: 4 },
      },
      {
        name: "turns",
        provisioning: { kind: "existing", nodes: nodes("t", 2) },
        machine: { cpu: 16, memoryGiB: 64, accelerator: "t4" },
        size: { kind: "fixed", nodes: 2 },
        devices: { kind: "timeSlicing", slices: 4 },
      },
    ],
    scheduling: {
      queues: { kind: "kueue" },
      teams: [
        {
          name: "vision",
          quotas: [
            { pool: "h100", accelerators: 40 },
            { pool: "plain", cpu: 64, memoryGiB: 256 },
            { pool: "turns", accelerators: 8 },
          ],
        },
        { name: "language", quotas: [{ pool: "h100", accelerators: 40, lend: 16 }] },
      ],
    },
    models: [
      {
        name: "digits",
        task: "image-classification",
        workload: { kind: "image", context: "workloads/keras", compresses: true },
        dataset: { source: { kind: "builtin", name: "digits" }, format: "digits" },
        training: {
          workers: 4,
          epochs: 1,
          network: { kind: "custom" },
          resources: { ...RESOURCES, pool: "h100", gpu: 8 },
        },
        compression: {
          candidates: [{ name: "int8", steps: [{ kind: "quantize" }] }],
          resources: { cpu: 2, memoryGiB: 8, pool: "turns", gpu: 1 },
        },
        serving: { engine: "mlserver", resources: { cpu: 1, memoryGiB: 2, pool: "plain" } },
      },
      {
        name: "figures",
        task: "image-classification",
        dataset: { source: { kind: "builtin", name: "digits" }, format: "digits" },
        training: { epochs: 1, network: { kind: "image-cnn" } },
        search: {
          trials: 4,
          workers: 3,
          space: [{ kind: "float", name: "learningRate", low: 0.001, high: 0.1 }],
          resources: { cpu: 4, memoryGiB: 8, pool: "plain" },
        },
        serving: { engine: "mlserver" },
      },
    ],
  };
  change(draft);
  return draft;
}

const MODEL = "models[0]";
const SEARCHED = "models[1]";

type Case = readonly [title: string, stack: Raw, ...expected: (readonly [path: string, says: string | RegExp])[]];

/** Nobody's quotas: what is judged is the pool alone. */
function withoutTeams(draft: Raw): void {
  draft.scheduling = undefined;
  draft.platform.team = undefined;
}

/** So many workers of a search at a time, in the pool of four nodes of 32 cores and 128 GiB. */
const searched = (workers: number, resources: object) =>
  stack((draft) => {
    withoutTeams(draft);
    Object.assign(draft.models[1].search, { workers, resources: { ...resources, pool: "plain" } });
  });

const CASES: readonly Case[] = [
  [
    "a training in a pool that there is not",
    stack((draft) => (draft.models[0].training.resources.pool = "h200")),
    [`${MODEL}.training.resources.pool`, "must be one of the pools: h100, plain, turns."],
  ],
  [
    "more devices a worker than a node has",
    stack((draft) => {
      draft.models[0].training.workers = 1;
      draft.models[0].training.resources.gpu = 16;
    }),
    [`${MODEL}.training.resources.gpu`, "a pod asks for 16 of nvidia.com/gpu, and a node has 8."],
  ],
  [
    "more memory a worker than a node has",
    stack((draft) => (draft.models[1].search.resources.memoryGiB = 200)),
    [`${SEARCHED}.search.resources`, "a pod asks for 200.125 GiB of memory, and a node has 128 GiB."],
    // Three such workers are more than the quota as well.
    [`${SEARCHED}.search.workers`, "3 pods x 200.125 GiB = 600.375 GiB of memory, and its quota is 256 GiB + 0 GiB"],
  ],
  [
    "a group larger than its pool",
    stack((draft) => {
      draft.models[0].training.workers = 11;
      withoutTeams(draft);
    }),
    [
      `${MODEL}.training.workers`,
      "must be at most 10, which is what pool h100 holds at its largest: a node with 8 of nvidia.com/gpu holds 1 pods of 8, " +
        "and 10 nodes x 1 = 10; a group works only whole.",
    ],
  ],
  [
    "a group whose pods leave a part of each node over",
    stack((draft) => {
      draft.models[0].training.workers = 11;
      draft.models[0].training.resources.gpu = 5;
      withoutTeams(draft);
    }),
    [`${MODEL}.training.workers`, "holds 1 pods of 5, and 10 nodes x 1 = 10"],
  ],
  [
    "more workers of a search than the pool has cores for",
    stack((draft) => {
      draft.models[1].search.workers = 29;
      withoutTeams(draft);
    }),
    // 4.01 cores with the recorder's: 7 fit into 32, and not the eighth.
    [
      `${SEARCHED}.search.workers`,
      "must be at most 28, which is what pool plain holds at its largest: a node with 32 cores",
    ],
  ],
  [
    "more workers of a search than the pool has memory for",
    // 9.125 GiB with the recorder's: 14 fit into 128, and not the fifteenth.
    searched(57, { cpu: 0.5, memoryGiB: 9 }),
    [
      `${SEARCHED}.search.workers`,
      "must be at most 56, which is what pool plain holds at its largest: a node with 128 GiB of memory holds 14 pods of " +
        "9.125 GiB, and 4 nodes x 14 = 56",
    ],
  ],
  [
    "more pods than lie on the nodes each for itself, which by the sums have room",
    searched(5, { cpu: 17, memoryGiB: 8 }),
    [`${SEARCHED}.search.workers`, "holds 1 pods of 17.01 cores, and 4 nodes x 1 = 4"],
  ],
  [
    "one worker that fits on no node with its recorder",
    searched(1, { cpu: 32, memoryGiB: 8 }),
    [`${SEARCHED}.search.resources`, "a pod asks for 32.01 cores of cpu, and a node has 32 cores."],
  ],
  [
    "a job larger than its quota and what it can borrow",
    stack((draft) => (draft.models[0].training.workers = 8)),
    [
      `${MODEL}.training.workers`,
      "must be within what team vision can have of pool h100: 8 pods x 8 = 64 of nvidia.com/gpu, and its quota is 40 + 16 it " +
        "can borrow = 56.",
    ],
  ],
  [
    "a job larger than its quota where nothing can be borrowed",
    stack((draft) => {
      draft.models[0].training.workers = 6;
      draft.scheduling.queues = { kind: "resourceQuota" };
      draft.scheduling.teams[1].quotas[0].lend = undefined;
    }),
    [`${MODEL}.training.workers`, "6 pods x 8 = 48 of nvidia.com/gpu, and its quota is 40."],
  ],
  [
    "a pool that the team has no quota of",
    stack((draft) => draft.scheduling.teams[0].quotas.splice(1, 1)),
    [`${SEARCHED}.search.resources.pool`, "must be a pool that team vision has a quota of"],
    [`${MODEL}.serving.resources.pool`, "must be a pool that team vision has a quota of"],
  ],
  [
    "devices of a pool without any",
    stack((draft) => (draft.models[0].training.resources.pool = "plain")),
    [`${MODEL}.training.resources.gpu`, "the nodes of pool plain have no devices"],
  ],
  [
    "devices by another name than the pool's",
    stack((draft) => (draft.models[0].training.resources.gpuResource = "amd.com/gpu")),
    [`${MODEL}.training.resources.gpuResource`, "what the devices of pool h100 are called: nvidia.com/gpu"],
  ],
  [
    "two turns of a device that is shared by time",
    stack((draft) => (draft.models[0].compression.resources.gpu = 2)),
    [`${MODEL}.compression.resources.gpu`, "must be 1: the devices of pool turns are shared by time"],
  ],
  [
    "a candidate of a language model with more devices than a node has",
    stack((draft) => {
      const step = { kind: "llm", scheme: "fp8", image: `i/m@sha256:${"a".repeat(64)}`, gpu: 9 };
      draft.models[0].compression = {
        candidates: [{ name: "fp8", steps: [{ ...step, evaluation: { tasks: ["arc_easy"] } }] }],
        resources: { ...RESOURCES, pool: "h100" },
      };
    }),
    [`${MODEL}.compression.candidates[0].steps[0].gpu`, "a pod asks for 9 of nvidia.com/gpu, and a node has 8."],
  ],
  [
    "more servers than the pool has room for",
    stack((draft) => {
      draft.models[0].serving.scaling = { kind: "auto", min: 0, max: 200 };
    }),
    [`${MODEL}.serving.scaling.max`, /must be at most 128, which is what pool plain holds/],
    [`${MODEL}.serving.scaling.max`, "200 pods x 1 cores = 200 cores of cpu, and its quota is 64 cores"],
    [`${MODEL}.serving.scaling.max`, "200 pods x 2 GiB = 400 GiB of memory"],
  ],
  [
    "devices for the trainer and for trials, which would not use them",
    stack((draft) => {
      draft.models[0].workload = undefined;
      draft.models[1].search.resources = { ...RESOURCES, gpu: 1 };
    }),
    [`${MODEL}.training.resources.gpu`, "must be left out with the trainer"],
    [`${MODEL}.compression.resources.gpu`, "must be left out with the trainer"],
    [`${SEARCHED}.search.resources.gpu`, "trials are the trainer's"],
  ],
  [
    "the name of a device without a number of them",
    stack((draft) => (draft.models[0].training.resources = { ...RESOURCES, gpuResource: "amd.com/gpu" })),
    [`${MODEL}.training.resources.gpu`, "is required where gpuResource says"],
  ],
  [
    "pools that teams have quotas of, and no team",
    stack((draft) => (draft.platform.team = undefined)),
    ["platform.team", "is required where a model names a pool that teams have quotas of: one of vision, language."],
  ],
  [
    "a team that there is not",
    stack((draft) => (draft.platform.team = "speech")),
    ["platform.team", "must be one of the teams: vision, language."],
  ],
  [
    "a team where there are none",
    stack((draft) => (draft.scheduling = undefined)),
    ["platform.team", "must be left out: there are no teams."],
  ],
  [
    "another namespace than the team's",
    stack((draft) => (draft.platform.namespace = "millwright")),
    ["platform.namespace", "must be the namespace of team vision, where its quotas hold: vision."],
  ],
  [
    "quotas of more than a pool has",
    stack((draft) => (draft.scheduling.teams[0].quotas[0].accelerators = 41)),
    ["scheduling.teams", "vision 41 + language 40 = 81, and 10 nodes x 8 = 80."],
    ["scheduling.teams", "of cpu"],
    ["scheduling.teams", "of memory"],
  ],
  [
    "an endpoint larger than the team's quota",
    stack((draft) => {
      draft.endpoints = [
        {
          name: "chat",
          model: { architecture: "x", weights: "o/r" },
          image: `i/m@sha256:${"a".repeat(64)}`,
          pool: "h100",
          parallelism: { tensor: 8, pipeline: 8 },
        },
      ];
    }),
    ["endpoints[0].parallelism.pipeline", "8 pods x 8 = 64 of nvidia.com/gpu, and its quota is 40 + 16"],
  ],
];

function expectProblems(problems: readonly Problem[], expected: readonly (readonly [string, string | RegExp])[]): void {
  const text = JSON.stringify(problems, undefined, 1);
  assert.deepEqual(problems.map(({ path }) => path).sort(), expected.map(([path]) => path).sort(), text);
  for (const [path, says] of expected) {
    const found = problems.some(
      ({ path: at, message }) =>
        at === path && (typeof says === "string" ? message.includes(says) : says.test(message)),
    );
    assert.ok(found, `${path}: ${says}\n${text}`);
  }
}

describe("pools, quotas and workloads of a stack file", () => {
  it("are taken where they fit", () => {
    const { problems } = validateStack(stack()) as { problems?: readonly Problem[] };
    assert.deepEqual(problems ?? [], []);
  });

  for (const [title, raw, ...expected] of CASES) {
    it(`are refused with ${title}`, () => expectProblems(schedulingProblems(raw), expected));
  }

  for (const [title, raw] of [
    ["as many workers of a search as there are cores for", searched(28, { cpu: 4, memoryGiB: 8 })],
    ["as many as there is memory for", searched(56, { cpu: 0.5, memoryGiB: 9 })],
    ["one that fills a node to the last bit", searched(4, { cpu: 31.99, memoryGiB: 127.875 })],
    [
      "a group that fills its pool",
      stack((draft) => {
        withoutTeams(draft);
        draft.models[0].training.workers = 10;
      }),
    ],
  ] as const) {
    it(`are taken with ${title}`, () => assert.deepEqual(schedulingProblems(raw), []));
  }

  it("are refused exactly where the pods cannot be laid on the nodes", () => {
    const eighths = (most: number) => fc.integer({ min: 1, max: 8 * most }).map((count) => count / 8);
    const numbers = fc.record({
      workers: fc.integer({ min: 1, max: 32 }),
      pod: fc.record({ cpu: eighths(8), memoryGiB: eighths(8) }),
      count: fc.integer({ min: 1, max: 5 }),
      node: fc.record({ cpu: eighths(32), memoryGiB: eighths(32) }),
    });
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(numbers, ({ workers, pod, count, node }) => {
        const raw = searched(workers, pod);
        const { plain } = Object.fromEntries(raw.pools.map((pool: Raw) => [pool.name, pool]));
        plain.machine = node;
        plain.size.nodes = count;
        plain.provisioning.nodes = nodes("m", count);
        // The servers of the other model are in the same pool, and not what is asked about.
        raw.models[0].serving.resources = undefined;
        const takes = [pod.cpu + RECORDER_RESOURCES.cpu, pod.memoryGiB + RECORDER_RESOURCES.memoryGiB] as const;
        let left = workers;
        for (let each = 0; each < count; each += 1) {
          let free = [node.cpu, node.memoryGiB] as const;
          while (left > 0 && free[0] + 1e-6 >= takes[0] && free[1] + 1e-6 >= takes[1]) {
            free = [free[0] - takes[0], free[1] - takes[1]];
            left -= 1;
          }
        }
        const problems = schedulingProblems(raw);
        taken += problems.length === 0 ? 1 : 0;
        refused += problems.length === 0 ? 0 : 1;
        assert.equal(problems.length === 0, left === 0, JSON.stringify(problems));
      }),
      { numRuns: 300 },
    );
    assert.ok(taken > 20 && refused > 20, `${taken} taken, ${refused} refused: nothing was shown`);
  });

  it("are judged with all else of the file", () => {
    const validation = validateStack(stack((draft) => (draft.platform.team = "speech")));
    assert.ok("problems" in validation && validation.problems.some(({ path }) => path === "platform.team"));
  });

  it("are not judged where a pool or the scheduling is not valid by itself", () => {
    const broken = [
      stack((draft) => {
        draft.pools[0].size = { kind: "none" };
        draft.models[0].training.resources.pool = "h200";
      }),
      stack((draft) => {
        draft.scheduling.teams[0].weight = -1;
        draft.platform.team = "speech";
      }),
    ];
    for (const raw of broken) {
      assert.deepEqual(schedulingProblems(raw), []);
    }
  });
});

describe("a stack of models whose pools are another stack's", () => {
  const platform = stack((draft) => {
    draft.models = undefined;
    draft.platform.team = undefined;
    draft.platform.namespace = undefined;
  });
  const models = stack((draft) => {
    draft.platform.cluster = { kind: "platform", stack: "production" };
    draft.pools = undefined;
    draft.scheduling = undefined;
  });

  it("is judged by that one where it is given", () => {
    assert.deepEqual(schedulingProblems(models, platform), []);
    models.models[0].training.workers = 8;
    expectProblems(schedulingProblems(models, platform), [[`${MODEL}.training.workers`, "= 64 of nvidia.com/gpu"]]);
    models.models[0].training.workers = 4;
  });

  it("is not judged, nor the other one anew, where it is not", () => {
    models.models[0].training.resources.pool = "h200";
    assert.deepEqual(schedulingProblems(models), []);
    const promising = structuredClone(platform);
    promising.scheduling.teams[0].quotas[0].accelerators = 80;
    expectProblems(schedulingProblems(models, promising), [[`${MODEL}.training.resources.pool`, "one of the pools"]]);
    models.models[0].training.resources.pool = "h100";
  });
});
