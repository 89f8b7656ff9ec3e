import { z } from "zod";
import { withParameters } from "../components/core/parameters.ts";
import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";
import {
  compressionSchema,
  networkSchema,
  searchSchema,
  servingSchema,
  startSchema,
  trainingSchema,
  workloadSchema,
} from "./schema.ts";

/** What the parts of one model say of each other, each judged where the parts it reads are valid. Paths start at the model. */
export function lifecycleProblems(model: unknown): Problem[] {
  return [
    ...taskProblems(model),
    ...workloadProblems(model),
    ...startProblems(model),
    ...gangProblems(model),
    ...searchProblems(model),
    ...compressionProblems(model),
    ...canaryProblems(model),
  ];
}

/** What each task learns with: networks of the trainer's first, then those of other images, last what only they know. */
const TASKS = {
  "text-classification": { networks: ["text-cnn", "custom"], formats: ["spam-assassin"], isLanguageModel: false },
  "image-classification": {
    networks: ["image-cnn", "keras-mlp", "custom"],
    formats: ["digits"],
    isLanguageModel: false,
  },
} as const satisfies Readonly<Record<string, { isLanguageModel: boolean } & Readonly<Record<string, unknown>>>>;

/** Networks that the trainer does not train, and the folder of an image that does. */
const OTHER_NETWORKS: Readonly<Record<string, string>> = { "keras-mlp": "workloads/keras", custom: "FOLDER" };

/** The formats a data set that comes with a package can be read as. */
const BUILTIN_FORMATS = { digits: "digits" } as const;

function taskProblems(model: unknown): Problem[] {
  const task = z.enum(Object.keys(TASKS) as (keyof typeof TASKS)[]).safeParse(memberOf(model, "task"));
  if (!task.success) {
    return [];
  }
  const problems: Problem[] = [];
  const wanted = TASKS[task.data];
  const network = networkSchema.safeParse(["training", "network"].reduce(memberOf, model));
  if (network.success && !(wanted.networks as readonly string[]).includes(network.data.kind)) {
    const message = `must be ${wanted.networks.join(" or ")}, which is what ${task.data} learns with.`;
    problems.push({ path: "training.network.kind", message, value: network.data.kind });
  }
  const format = ["dataset", "format"].reduce(memberOf, model);
  if (typeof format === "string" && isFormat(format) && !(wanted.formats as readonly string[]).includes(format)) {
    const message = `must be ${wanted.formats.join(" or ")}, which is what ${task.data} reads.`;
    problems.push({ path: "dataset.format", message, value: format });
  }
  const source = ["dataset", "source"].reduce(memberOf, model);
  if (typeof format === "string" && isFormat(format)) {
    const builtin = memberOf(source, "kind") === "builtin" ? memberOf(source, "name") : undefined;
    const fits = Object.entries(BUILTIN_FORMATS).find(([, each]) => each === format)?.[0];
    if (fits !== undefined && builtin !== fits) {
      const message = `must be {kind: builtin, name: ${fits}}, the one source of the format ${format}.`;
      problems.push({ path: "dataset.source", message });
    }
    if (fits === undefined && builtin !== undefined) {
      const message = `must be of kind npm or directory, since ${format} is read from files.`;
      problems.push({ path: "dataset.source.kind", message, value: "builtin" });
    }
  }
  return problems;
}

/** What starts from another network has that network's sizes. */
function startProblems(model: unknown): Problem[] {
  const start = startSchema.safeParse(["training", "start"].reduce(memberOf, model));
  if (!start.success || start.data.kind === "scratch") {
    return [];
  }
  const network = networkSchema.safeParse(["training", "network"].reduce(memberOf, model));
  const space = searchSchema.shape.space.safeParse(["search", "space"].reduce(memberOf, model));
  return [
    ...(network.success && network.data.kind === "keras-mlp"
      ? [
          {
            path: "training.start.kind",
            message:
              "must be scratch: the image workloads/keras leaves no network that another training could start from.",
            value: start.data.kind,
          },
        ]
      : []),
    ...(space.success ? space.data : []).flatMap(({ name }, at) =>
      name.startsWith("network.") && name !== "network.dropout"
        ? [
            {
              path: `search.space[${at}].name`,
              message: "must be no size of the network, which training takes from the version it starts from.",
              value: name,
            },
          ]
        : [],
    ),
  ];
}

/** A group that may hold its places as long as the run may last is given up by the deadline alone. */
function gangProblems(model: unknown): Problem[] {
  const gang = trainingSchema
    .pick({ workers: true, gangSeconds: true, deadlineSeconds: true })
    .strip()
    .safeParse(memberOf(model, "training"));
  if (!gang.success || gang.data.workers === 1 || gang.data.gangSeconds < gang.data.deadlineSeconds) {
    return [];
  }
  const message = `must be below deadlineSeconds, which is ${gang.data.deadlineSeconds}.`;
  return [{ path: "training.gangSeconds", message, value: gang.data.gangSeconds }];
}

function isFormat(format: string): boolean {
  return Object.values(TASKS).some(({ formats }) => (formats as readonly string[]).includes(format));
}

/** Another image trains: what then only the trainer can do, and what only that image can. */
function workloadProblems(model: unknown): Problem[] {
  const written = memberOf(model, "workload");
  const network = networkSchema.safeParse(["training", "network"].reduce(memberOf, model));
  const needs = network.success ? OTHER_NETWORKS[network.data.kind] : undefined;
  const workload = workloadSchema.safeParse(written);
  const problems: Problem[] = [];
  if (network.success && needs !== undefined) {
    if (written === undefined) {
      const message = `is required: a network ${network.data.kind} is trained by an image of its own; write {kind: image, context: ${needs}}.`;
      problems.push({ path: "workload", message });
    }
    const workers = trainingSchema.shape.workers.safeParse(["training", "workers"].reduce(memberOf, model));
    if (network.data.kind === "keras-mlp" && workers.success && workers.data !== 1) {
      const message = `must be 1, since ${network.data.kind} is trained in one process.`;
      problems.push({ path: "training.workers", message, value: workers.data });
    }
  }
  if (!workload.success) {
    return problems;
  }
  const { context, compresses } = workload.data;
  if (memberOf(model, "search") !== undefined) {
    const message = `must be left out: trials are trained by the trainer, and this model by ${context}.`;
    problems.push({ path: "search", message });
  }
  if (!compresses && memberOf(model, "compression") !== undefined) {
    const message = `must be left out: only the image that trained a network can compress it; ${context} does where workload.compresses is true.`;
    problems.push({ path: "compression", message });
  }
  return problems;
}

/** What a parameter's path leads to in a training. */
function parameterAt(training: unknown, path: string): unknown {
  return path.split(".").reduce(memberOf, training);
}

type Search = z.infer<typeof searchSchema>;
type Parameter = Search["space"][number];

function searchProblems(model: unknown): Problem[] {
  const search = searchSchema.safeParse(memberOf(model, "search"));
  if (!search.success) {
    return [];
  }
  const training = trainingSchema.safeParse(memberOf(model, "training"));
  const { space, algorithm, pruner, objectives, trials } = search.data;
  const problems = space.flatMap((parameter, at) => parameterProblems(parameter, at, space, training.data));
  if (objectives.length > 1 && pruner !== "none") {
    const message = "must be none with several objectives, since no trial is then hopeless by one number.";
    problems.push({ path: "search.pruner", message, value: pruner });
  }
  if (objectives.length > 1 && algorithm === "cmaes") {
    const message = "must be tpe, random, grid, nsga2 or gp with several objectives.";
    problems.push({ path: "search.algorithm", message, value: algorithm });
  }
  if (algorithm === "cmaes" && !space.some(({ kind }) => kind !== "categorical")) {
    const message = "must be another, since cmaes draws numbers and the space has none.";
    problems.push({ path: "search.algorithm", message, value: algorithm });
  }
  if (algorithm === "grid") {
    const endless = space.findIndex((parameter) => parameter.kind === "float" && parameter.step === undefined);
    if (endless >= 0) {
      const message = "must have a step, or choices, for a grid.";
      problems.push({ path: `search.space[${endless}].step`, message });
    } else {
      const points = space.reduce((product, parameter) => product * valuesOf(parameter), 1);
      if (trials > points) {
        const message = `must be at most ${points}, the number of points of the grid.`;
        problems.push({ path: "search.trials", message, value: trials });
      }
    }
    const conditional = space.findIndex(({ when }) => when !== undefined);
    if (conditional >= 0) {
      const message = "must be left out with a grid, which tries every combination.";
      problems.push({ path: `search.space[${conditional}].when`, message });
    }
  }
  return problems;
}

/** Members of a training that decide how it runs and not what it learns. */
const NOT_SEARCHABLE = [
  "workers",
  "seed",
  "start",
  "checkpointSeconds",
  "checkpointRetention",
  "gangSeconds",
  "maxRestarts",
  "resources",
  "deadlineSeconds",
];

function isSearchable(name: string): boolean {
  return !NOT_SEARCHABLE.includes(name.split(".")[0] ?? name);
}

function parameterProblems(
  parameter: Parameter,
  at: number,
  space: readonly Parameter[],
  training: z.infer<typeof trainingSchema> | undefined,
): Problem[] {
  const path = `search.space[${at}]`;
  const problems: Problem[] = [];
  if (space.findIndex(({ name }) => name === parameter.name) < at) {
    problems.push({ path: `${path}.name`, message: "must be unique in the space.", value: parameter.name });
  }
  if (parameter.kind !== "categorical") {
    if (parameter.low >= parameter.high) {
      problems.push({
        path: `${path}.high`,
        message: `must be above low, which is ${parameter.low}.`,
        value: parameter.high,
      });
    }
    if (parameter.log && parameter.step !== undefined) {
      problems.push({ path: `${path}.step`, message: "must be left out with log.", value: parameter.step });
    }
    if (parameter.log && parameter.low <= 0) {
      problems.push({ path: `${path}.low`, message: "must be above 0 with log.", value: parameter.low });
    }
  }
  const { when } = parameter;
  if (when !== undefined) {
    const on = space.find(({ name }) => name === when.parameter);
    if (on?.kind !== "categorical" || on === parameter) {
      const message = "must be another parameter of the space, a categorical one.";
      problems.push({ path: `${path}.when.parameter`, message, value: when.parameter });
    } else if (!on.choices.includes(when.equals)) {
      const message = `must be a choice of ${on.name}: ${on.choices.join(", ")}.`;
      problems.push({ path: `${path}.when.equals`, message, value: when.equals });
    }
  }
  if (training !== undefined) {
    problems.push(...valueProblems(parameter, path, training));
  }
  return problems;
}

/** The extreme values of a parameter, put into the training, must be valid there: what lies in between then is as well. */
function valueProblems(parameter: Parameter, path: string, training: z.infer<typeof trainingSchema>): Problem[] {
  const { name } = parameter;
  const current = parameterAt(training, name);
  if (!isSearchable(name) || current === undefined || typeof current === "object" || name.endsWith("kind")) {
    const message = `must be the path of a number or choice in training that decides what is learned, such as ${searchable(training).join(", ")}.`;
    return [{ path: `${path}.name`, message, value: name }];
  }
  const values = parameter.kind === "categorical" ? parameter.choices : [parameter.low, parameter.high];
  const field =
    parameter.kind === "categorical"
      ? (_: unknown, i: number) => `choices[${i}]`
      : (_: unknown, i: number) => (i === 0 ? "low" : "high");
  return values.flatMap((value, i) => {
    const parsed = trainingSchema.safeParse(withParameters(training, { [name]: value }));
    const issue = parsed.error?.issues[0];
    return issue === undefined
      ? []
      : [{ path: `${path}.${field(value, i)}`, message: `is not valid as training.${name}: ${issue.message}.`, value }];
  });
}

function searchable(training: z.infer<typeof trainingSchema>): string[] {
  const top = Object.entries(training).flatMap(([key, value]) =>
    typeof value === "number" && isSearchable(key) ? [key] : [],
  );
  const network = Object.entries(training.network).flatMap(([key, value]) =>
    typeof value === "number" ? [`network.${key}`] : [],
  );
  return [...top, ...network];
}

/** How many values a parameter takes in a grid. */
function valuesOf(parameter: Parameter): number {
  if (parameter.kind === "categorical") {
    return parameter.choices.length;
  }
  // A float such as (0.3 - 0.1) / 0.1 falls a little short of the whole number it stands for.
  return Math.floor((parameter.high - parameter.low) / (parameter.step ?? 1) + 1e-9) + 1;
}

function compressionProblems(model: unknown): Problem[] {
  const compression = compressionSchema.safeParse(memberOf(model, "compression"));
  if (!compression.success) {
    return [];
  }
  const network = networkSchema.safeParse(["training", "network"].reduce(memberOf, model));
  const { candidates } = compression.data;
  return candidates.flatMap((candidate, at): Problem[] => {
    const path = `compression.candidates[${at}]`;
    const first = candidates.findIndex(({ name }) => name === candidate.name);
    const llm = candidate.steps.findIndex(({ kind }) => kind === "llm");
    const quantized = candidate.steps.findIndex(({ kind }) => kind === "quantize");
    return [
      ...(first < at || candidate.name === "baseline"
        ? [{ path: `${path}.name`, message: "must be unique in the model, and not baseline.", value: candidate.name }]
        : []),
      ...(quantized >= 0 && quantized < candidate.steps.length - 1
        ? [
            {
              path: `${path}.steps[${quantized}]`,
              message: "must be the last step: integers cannot be trained further.",
            },
          ]
        : []),
      ...(llm >= 0 ? llmProblems(model, candidate.steps.length, `${path}.steps[${llm}]`) : []),
      ...candidate.steps.flatMap((step, i) =>
        step.kind === "distill" && network.success
          ? studentProblems(step.network, network.data, `${path}.steps[${i}]`)
          : [],
      ),
    ];
  });
}

function llmProblems(model: unknown, steps: number, path: string): Problem[] {
  const task = z.enum(Object.keys(TASKS) as (keyof typeof TASKS)[]).safeParse(memberOf(model, "task"));
  return [
    ...(steps > 1 ? [{ path, message: "must be the only step: llm-compressor starts from the trained model." }] : []),
    ...(task.success && !TASKS[task.data].isLanguageModel
      ? [
          {
            path: `${path}.kind`,
            message: `must be prune, quantize or distill: ${task.data} trains no language model, which is what llm-compressor takes.`,
            value: "llm",
          },
        ]
      : []),
  ];
}

function studentProblems(
  student: Readonly<Record<string, number>>,
  teacher: z.infer<typeof networkSchema>,
  path: string,
): Problem[] {
  if (teacher.kind === "custom") {
    // The image knows what its sizes are.
    return [];
  }
  const sizes = Object.entries(teacher).flatMap(([key, value]) => (typeof value === "number" ? [key] : []));
  const unknown = Object.keys(student).filter((key) => !sizes.includes(key));
  if (unknown.length > 0) {
    return unknown.map((key) => ({
      path: `${path}.network.${key}`,
      message: `is no size of the network; its sizes are ${sizes.join(", ")}.`,
      value: student[key],
    }));
  }
  const parsed = networkSchema.safeParse({ ...teacher, ...student });
  return (parsed.error?.issues ?? []).map((issue) => ({
    path: `${path}.network.${issue.path.join(".")}`,
    message: `is not valid in the network: ${issue.message}.`,
    value: student[String(issue.path[0])],
  }));
}

function canaryProblems(model: unknown): Problem[] {
  const canary = servingSchema.shape.canary.safeParse(["serving", "canary"].reduce(memberOf, model));
  if (!canary.success) {
    return [];
  }
  const { weights } = canary.data;
  const falls = weights.findIndex((weight, at) => at > 0 && weight <= (weights[at - 1] ?? 0));
  return falls < 0
    ? []
    : [
        {
          path: `serving.canary.weights[${falls}]`,
          message: `must be above the one before it, ${weights[falls - 1]}.`,
          value: weights[falls],
        },
      ];
}
