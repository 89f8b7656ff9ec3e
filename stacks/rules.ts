import { formatPath, type Problem } from "../components/core/problem.ts";
import { autoscalerProblems } from "./autoscaler-rules.ts";
import { awsProblems } from "./aws-rules.ts";
import { endpointProblems } from "./endpoint-rules.ts";
import { memberOf } from "./json-schema.ts";
import { layerProblems } from "./layer-rules.ts";
import { lifecycleProblems } from "./lifecycle-rules.ts";
import { platformProblems, UnknownPlatform } from "./platform-rules.ts";
import { poolProblems } from "./pool-rules.ts";
import { schedulingProblems } from "./scheduling-rules.ts";
import { resourcesSchema, servingSchema, splitSchema, trainingSchema } from "./schema.ts";
import { servingProblems } from "./serving-rules.ts";

/**
 * The rules that one value cannot show alone. Each is judged wherever the parts it reads are valid by themselves, so that
 * a misspelt field elsewhere hides none of them.
 *
 * @param platform the stack that `platform.cluster.stack` names, as written. Without it what only that stack knows is not judged
 */
export function ruleProblems(raw: unknown, platform?: unknown): Problem[] {
  const models = memberOf(raw, "models");
  // Of a stack without a file nothing is known, which is not the same as that it has nothing.
  const known = platform instanceof UnknownPlatform ? undefined : platform;
  const ofStack = [
    ...layerProblems(raw),
    ...awsProblems(raw),
    ...poolProblems(raw),
    ...schedulingProblems(raw, known),
    ...endpointProblems(raw, known),
    ...platformProblems(raw, platform),
  ];
  if (!Array.isArray(models)) {
    return ofStack;
  }
  return [
    ...ofStack,
    ...duplicateNames(models),
    ...autoscalerProblems(raw),
    ...models.flatMap((model: unknown, index) => [
      ...reservedName(model, index),
      ...splitSum(model, index),
      ...["dataset", "search", "training", "compression", "serving"].flatMap((part) => cpuLimits(model, index, part)),
      ...memoryOf(model, index),
      ...[...lifecycleProblems(model), ...servingProblems(model)].map(({ path, ...problem }) => ({
        path: `models[${index}].${path}`,
        ...problem,
      })),
    ]),
  ];
}

/** What the platform's own objects in the models' namespace are called. */
const RESERVED_NAMES = ["database", "mlflow", "mlflow-mirror", "prometheus", "watcher"];

function reservedName(model: unknown, index: number): Problem[] {
  const name = memberOf(model, "name");
  return typeof name === "string" && RESERVED_NAMES.includes(name)
    ? [
        {
          path: `models[${index}].name`,
          message: `must be another than ${RESERVED_NAMES.join(", ")}, which are parts of the platform.`,
          value: name,
        },
      ]
    : [];
}

function duplicateNames(models: readonly unknown[]): Problem[] {
  const names = models.map((model) => memberOf(model, "name"));
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    return typeof name === "string" && first < index
      ? [
          {
            path: `models[${index}].name`,
            message: `must be unique: models[${first}] has this name already.`,
            value: name,
          },
        ]
      : [];
  });
}

/** Decimal fractions such as 0.7 + 0.2 + 0.1 do not add up to exactly 1 in binary. */
const SUM_TOLERANCE = 1e-9;

function splitSum(model: unknown, index: number): Problem[] {
  const path = ["dataset", "split"];
  const split = path.reduce(memberOf, model);
  const fractions = splitSchema.pick({ train: true, validation: true, test: true }).strip().safeParse(split);
  if (!fractions.success) {
    return [];
  }
  const { train, validation, test } = fractions.data;
  const sum = train + validation + test;
  if (Math.abs(sum - 1) <= SUM_TOLERANCE) {
    return [];
  }
  const shown = Number(sum.toPrecision(12));
  return [
    {
      path: formatPath(["models", index, ...path]),
      message: `must have fractions train, validation and test that add up to 1; these add up to ${shown}.`,
      value: { train, validation, test },
    },
  ];
}

function cpuLimits(model: unknown, index: number, part: string): Problem[] {
  const path = [part, "resources"];
  const cores = resourcesSchema.pick({ cpu: true, cpuLimit: true }).strip().safeParse(path.reduce(memberOf, model));
  if (!cores.success || cores.data.cpuLimit === undefined || cores.data.cpuLimit >= cores.data.cpu) {
    return [];
  }
  return [
    {
      path: formatPath(["models", index, ...path, "cpuLimit"]),
      message: `must be at least cpu, which is ${cores.data.cpu}.`,
      value: cores.data.cpuLimit,
    },
  ];
}

const BYTES_PER_GIB = 2 ** 30;
/** A 32-bit weight; its gradient and the two moments of Adam take as much each while it is trained. */
const BYTES_PER_WEIGHT = 4;
const BYTES_PER_TRAINED_WEIGHT = 4 * BYTES_PER_WEIGHT;
const BYTES_PER_ACTIVATION = 4;

/**
 * A lower bound of what the network takes: its word vectors, and in training one batch of them. Refuses only what cannot
 * work; what passes may still be too large.
 */
function memoryOf(model: unknown, index: number): Problem[] {
  const network = trainingSchema.shape.network.safeParse(["training", "network"].reduce(memberOf, model));
  const batchSize = trainingSchema.shape.batchSize.safeParse(["training", "batchSize"].reduce(memberOf, model));
  if (!network.success) {
    return [];
  }
  if (network.data.kind !== "text-cnn") {
    // What an image network takes is far below the smallest memory anybody asks for.
    return [];
  }
  const { vocabularySize, embeddingSize, sequenceLength } = network.data;
  const weights = vocabularySize * embeddingSize;
  const items = batchSize.success ? batchSize.data : 1;
  const batchBytes = items * sequenceLength * embeddingSize * BYTES_PER_ACTIVATION;
  const needed = {
    training: weights * BYTES_PER_TRAINED_WEIGHT + batchBytes,
    serving: weights * BYTES_PER_WEIGHT,
  };
  return [
    ...tooLittleMemory("training", trainingSchema.shape.resources, needed.training),
    ...tooLittleMemory("serving", servingSchema.shape.resources, needed.serving),
  ];

  function tooLittleMemory(
    part: string,
    schema: typeof trainingSchema.shape.resources,
    neededBytes: number,
  ): Problem[] {
    const resources = schema.safeParse([part, "resources"].reduce(memberOf, model));
    const neededGiB = Math.ceil((neededBytes / BYTES_PER_GIB) * 10) / 10;
    if (!resources.success || resources.data.memoryGiB >= neededGiB) {
      return [];
    }
    const why = `${part} a network with ${vocabularySize} word vectors of ${embeddingSize} numbers takes at least that many GiB`;
    return [
      {
        path: formatPath(["models", index, part, "resources", "memoryGiB"]),
        message: `must be at least ${neededGiB}: ${why}; raise it or make the network smaller.`,
        value: resources.data.memoryGiB,
      },
    ];
  }
}
