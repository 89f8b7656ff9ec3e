import { z } from "zod";
import { MAX_MODEL_NAME_LENGTH, MAX_WORKERS } from "../components/core/names.ts";
import { eksSchema } from "./aws.ts";
import { endpointsSchema } from "./endpoints.ts";
import { engineSchema, imageSchema } from "./engines.ts";
import { poolsSchema } from "./pools.ts";
import { schedulingSchema } from "./scheduling.ts";
import { simulationSchema } from "./simulation.ts";
import { deviceResource, namespaceName, shortName, text } from "./text.ts";

/**
 * The shape of a stack file's `millwright:` configuration. Every object is strict: an unknown field is a problem, not a
 * silent no-op. Units are in the names. `rules.ts` adds what one value cannot show alone.
 *
 * Descriptions and defaults written here are what editors show and what docs/stack-file.md lists (`npm run schema`).
 */

export const resourcesSchema = z.strictObject({
  cpu: z.number().positive().max(256).describe("Requested cores."),
  cpuLimit: z
    .number()
    .positive()
    .max(256)
    .optional()
    .describe("Upper bound in cores, at least `cpu`. Default: the same as `cpu`."),
  memoryGiB: z.number().positive().max(4096).describe("Requested memory, which is also the limit, in GiB."),
});

/** Of what may ask for devices and name the pool that has them. */
export const workResourcesSchema = resourcesSchema.extend({
  pool: z.string().min(1).optional().describe("The pool its pods run on. Default: any node that takes them."),
  gpu: z.number().int().min(1).max(16).optional().describe("GPUs of each pod. Default: none."),
  gpuResource: deviceResource
    .optional()
    .describe(
      "What the cluster's device plugin calls a GPU, or a part of one. Default: what the pool's are called, else " +
        "`nvidia.com/gpu`.",
    ),
});

const absolutePath = (description: string) =>
  z.string().regex(/^\//).meta({ allowed: 'an absolute path, starting with "/"', description });

const storage = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("node").describe("A folder of one node, for clusters of a single machine."),
      node: z.string().min(1).default("millwright").describe("The node that holds the folder."),
      path: absolutePath("The folder on that node."),
      sizeGiB: z.number().int().positive().describe("Size of the volume in GiB."),
    }),
    z.strictObject({
      kind: z.literal("storageClass").describe("A volume the cluster provisions."),
      storageClassName: z.string().min(1).describe("A StorageClass that offers ReadWriteMany."),
      sizeGiB: z.number().int().positive().describe("Size of the volume in GiB."),
    }),
  ])
  .describe(
    "Where datasets, checkpoints and trained models are kept. Required where the stack has models or endpoints.",
  );

export const autoscalerSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("install").describe("KEDA 2.21 is part of the stack, while any of its models is scaled."),
      namespace: namespaceName()
        .default("keda")
        .describe("Where it runs: its own namespace, made and removed with it. A cluster has at most one KEDA."),
      image: text(/^[^\s]+$/, "an image reference, without spaces")
        .default("127.0.0.1:5000/millwright/keda:2.21.0")
        .describe(
          "Image with its programs `/keda` and `/keda-adapter`. `npm run up` builds the default for a local cluster.",
        ),
    }),
    z.strictObject({ kind: z.literal("present").describe("The cluster has KEDA, 2.20 or later.") }),
  ])
  .describe(
    "What scales servers by the requests. Default: nothing does, and every model's number of servers is fixed.",
  );

export const trackingSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("mlflow").describe("An MLflow server in the models' namespace, filled from the records of runs."),
      artifacts: text(
        /^s3:\/\/[a-z0-9][-a-z0-9.]{1,61}[a-z0-9](\/[-A-Za-z0-9._/]+)?$/,
        "a bucket's prefix, s3://bucket/prefix",
      )
        .optional()
        .describe(
          "Where it keeps its copies of artifacts; its account `mlflow` needs the rights. Default: in a folder of `storage`.",
        ),
    }),
  ])
  .describe("Where people look runs and versions up. Default: nowhere, which leaves the models as they are.");

export const databaseSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("inNamespace").describe("One PostgreSQL server beside the models."),
      passwordGeneration: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .default(1)
        .describe("Raise it, between searches, to have the next `up` make a new password."),
    }),
    z.strictObject({
      kind: z.literal("external").describe("A PostgreSQL server that exists, 14 or later, e.g. one of RDS."),
      host: text(/^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/, "a host name or an address").describe("Where it is."),
      port: z.number().int().min(1).max(65_535).default(5432).describe("Its port."),
      user: text(/^[a-z][a-z0-9_]{0,62}$/, "up to 63 of a-z, 0-9 and '_', starting with a letter")
        .default("millwright")
        .describe("A role that may log in and create databases."),
      secretName: text(
        /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
        "the name of a Secret: up to 253 of a-z, 0-9, '-' and '.'",
      ).describe("The Secret of the models' namespace that holds its password."),
      secretKey: text(/^[-._a-zA-Z0-9]{1,253}$/, "the key of a Secret's member")
        .default("password")
        .describe("The Secret's member."),
      tls: z
        .enum(["require", "prefer"])
        .default("require")
        .describe("Whether a connection in the clear is refused, or taken where the server offers no other."),
    }),
    z.strictObject({
      kind: z
        .literal("platform")
        .describe(
          "The one of the platform's stack; `platform.cluster` is {kind: platform}, whose stack has a database.",
        ),
    }),
  ])
  .default({ kind: "inNamespace", passwordGeneration: 1 })
  .describe("What holds the studies of searches and MLflow's tables, where a stack has either.");

const platform = z
  .strictObject({
    cluster: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z.literal("local").describe("The datacenter `npm run up` starts on this machine."),
        }),
        z.strictObject({
          kind: z
            .literal("simulated")
            .describe("A real control plane on this machine, whose nodes are simulated; see `millwright:pools`."),
        }),
        eksSchema,
        z.strictObject({
          kind: z.literal("platform").describe("The cluster of another stack of this program, which has the pools."),
          stack: shortName().describe("That stack, e.g. `production`; its file stands beside this one."),
        }),
        z.strictObject({
          kind: z.literal("existing").describe("A cluster that exists."),
          context: z.string().min(1).describe("The kubeconfig context."),
          kubeconfig: z
            .string()
            .min(1)
            .optional()
            .describe("The kubeconfig file. Default: `$KUBECONFIG`, else `~/.kube/config`."),
        }),
      ])
      .describe("Where everything runs."),
    namespace: namespaceName().default("millwright").describe("Where the models of this stack live."),
    team: shortName()
      .optional()
      .describe(
        "The team of `millwright:scheduling` that this stack's models belong to; its namespace is `namespace`. Default: none.",
      ),
    storage: storage.optional(),
    registry: text(
      /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
      "host[:port][/path] in lower case, without a scheme",
    )
      .default("127.0.0.1:5000/millwright")
      .describe("Where built images are pushed."),
    baseImage: text(/^[^\s]+$/, "an image reference, without spaces")
      .default("127.0.0.1:5000/millwright/base:bookworm")
      .describe(
        "Image the workload images are built from; needs Debian's apt and Python 3.11. `npm run up` builds the default.",
      ),
    autoscaler: autoscalerSchema.optional(),
    database: databaseSchema,
    tracking: trackingSchema.optional(),
  })
  .describe("Where the models run.");

const fraction = (of: string) => z.number().gt(0).lt(1).describe(`Fraction of the distinct items used for ${of}.`);

export const splitSchema = z.strictObject({
  train: fraction("training"),
  validation: fraction("choosing between epochs"),
  test: fraction("the reported metrics"),
  seed: z.number().int().nonnegative().describe("Decides which item goes where."),
});

export const sourceSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("npm").describe("A folder inside an npm package this repository depends on."),
    package: text(
      /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/,
      "the name of an npm package, such as @scope/name",
    ).describe("The package."),
    version: text(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'an exact version, such as "0.2.3"').describe(
      "Exact version; the installed one must be the same.",
    ),
    path: text(/^(?!\/)(?!(.*\/)?\.\.(\/|$))\P{Cc}+$/u, "a folder inside the package, without '..'")
      .default("data")
      .describe("Folder inside the package."),
  }),
  z.strictObject({
    kind: z.literal("directory").describe("A folder of this machine."),
    path: text(/^\P{Cc}+$/u, "a folder").describe("The folder, absolute or relative to the repository."),
  }),
  z.strictObject({
    kind: z.literal("builtin").describe("A data set that a package of the workload image carries."),
    name: z.enum(["digits"]).describe("`digits`: scikit-learn's 1,797 handwritten digits of 8 x 8 pixels."),
  }),
]);

const dataset = z
  .strictObject({
    source: sourceSchema.describe("Where the raw data comes from."),
    format: z.enum(["spam-assassin", "digits"]).describe("How the files are read."),
    split: splitSchema
      .default({ train: 0.8, validation: 0.1, test: 0.1, seed: 17 })
      .describe("How the items are divided; the three fractions add up to 1."),
    resources: resourcesSchema
      .default({ cpu: 0.25, cpuLimit: 1, memoryGiB: 1 })
      .describe("Of the Job that prepares the data."),
    deadlineSeconds: z.number().int().positive().default(1800).describe("A run that takes longer fails."),
  })
  .describe("The data the model learns from.");

const dropout = z.number().min(0).lt(1).default(0.3).describe("Fraction dropped in training.");

export const networkSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("text-cnn").describe("A convolution over words, beside their mean and each word's own vote."),
      vocabularySize: z
        .number()
        .int()
        .min(100)
        .max(1_000_000)
        .default(20_000)
        .describe("Most frequent words that are kept."),
      embeddingSize: z.number().int().min(4).max(4096).default(64).describe("Dimensions of a word's vector."),
      channels: z.number().int().min(1).max(4096).default(64).describe("Filters of the convolution."),
      sequenceLength: z.number().int().min(8).max(8192).default(256).describe("Words an item is cut or padded to."),
      dropout,
    }),
    z.strictObject({
      kind: z.literal("image-cnn").describe("Two convolutions over pixels and a linear layer."),
      channels: z.number().int().min(1).max(4096).default(32).describe("Filters of the first convolution."),
      deepChannels: z.number().int().min(1).max(4096).default(64).describe("Filters of the second convolution."),
      dropout,
    }),
    z.strictObject({
      kind: z
        .literal("keras-mlp")
        .describe("Dense layers over pixels, which the image `workloads/keras` trains; see `workload`."),
      units: z
        .array(z.number().int().min(1).max(65_536))
        .min(1)
        .max(16)
        .default([64, 32])
        .describe("Sizes of the hidden layers, from the pixels on."),
      dropout,
    }),
    z.strictObject({
      kind: z.literal("custom").describe("A network that only the model's own image knows; see `workload`."),
      parameters: z
        .record(
          z.string(),
          z
            .union([z.string(), z.number(), z.boolean(), z.array(z.number())])
            .meta({ allowed: "text, a number, true, false or a list of numbers" }),
        )
        .default({})
        .describe("What the image is told of it, and judges itself."),
    }),
  ])
  .describe("The network and its sizes.");

export const workloadSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("image").describe("An image that is built from a folder and keeps workloads/CONTRACT.md."),
      context: text(
        /^(?!\/)(?!(.*\/)?\.{1,2}(\/|$))(?!.*\/\/)\P{Cc}*[^/\p{Cc}]$/u,
        "a folder of the repository, relative to it, without '.' and '..'",
      ).describe("The folder, with its Dockerfile, relative to the repository; `BASE_IMAGE` is a build argument."),
      compresses: z
        .boolean()
        .default(false)
        .describe("Whether it does the stage `compression` as well, on the networks it trains."),
    }),
  ])
  .describe(
    "What trains the model in place of the trainer, which keeps the stages before and after. Default: the trainer.",
  );

export const startSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("scratch").describe("Fresh weights, drawn from `seed`.") }),
    z.strictObject({
      kind: z
        .literal("version")
        .describe(
          "Fine-tuning: the weights of the training that the stable version comes from, as it is when this one is first " +
            "declared. Its network must have the same sizes, its labels the same names; the vocabulary stays. Fresh " +
            "weights while no version is stable, and in a search's trials.",
        ),
      run: text(/^[a-z][-a-z0-9]*-training-[0-9a-f]{10}$/, "the name of a training run")
        .optional()
        .describe("The training run to start from, always. Default: that of the stable version."),
    }),
  ])
  .default({ kind: "scratch" })
  .describe("What weights training starts from.");

export const trainingSchema = z
  .strictObject({
    workers: z
      .number()
      .int()
      .min(1)
      .max(MAX_WORKERS)
      .default(1)
      .describe("Pods of the torchrun group, one process each."),
    epochs: z.number().int().min(1).max(10_000).describe("Passes over the training split."),
    batchSize: z.number().int().min(1).max(65_536).default(64).describe("Items a step and worker."),
    learningRate: z.number().positive().max(10).default(0.001).describe("Step size of the optimizer."),
    seed: z.number().int().nonnegative().default(17).describe("Decides initial weights and the order of items."),
    start: startSchema,
    network: networkSchema,
    checkpointSeconds: z
      .number()
      .int()
      .positive()
      .default(60)
      .describe("Seconds between checkpoints; one is also written on SIGTERM."),
    checkpointRetention: z
      .strictObject({
        last: z
          .number()
          .int()
          .min(1)
          .max(100)
          .default(3)
          .describe("Checkpoints that stay, the newest. Where one is damaged, a restart goes on from the one before."),
        whenDone: z
          .enum(["remove", "keep"])
          .default("remove")
          .describe("What becomes of them once the run has its result."),
      })
      .prefault({})
      .describe("Which checkpoints stay."),
    gangSeconds: z
      .number()
      .int()
      .min(4)
      .max(86_400)
      .default(600)
      .describe(
        "Seconds at most that a worker holds its place while others of its group have none; by lot it is this or a quarter. " +
          "It then gives its place back and is started again later, which is no restart.",
      ),
    maxRestarts: z
      .number()
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe("Restarts after a failure that is not a disruption."),
    resources: workResourcesSchema.default({ cpu: 0.5, cpuLimit: 1, memoryGiB: 2 }).describe("Of each worker."),
    deadlineSeconds: z.number().int().positive().default(7200).describe("A run that takes longer fails."),
  })
  .describe("How it learns.");

const parameterName = text(
  /^[a-z][A-Za-z]*(\.[a-z][A-Za-z]*)*$/,
  'a path in the model\'s training, such as "learningRate" or "network.channels"',
).describe("What is searched: a path in the model's `training`.");

const condition = z
  .strictObject({
    parameter: parameterName.describe("A categorical parameter of the same space."),
    equals: z.union([z.string(), z.number(), z.boolean()]).describe("One of its choices."),
  })
  .optional()
  .describe("Searched only where another parameter has this value. Default: always.");

export const parameterSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("categorical").describe("One of a list."),
    name: parameterName,
    choices: z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(2)
      .describe("The values to choose from."),
    when: condition,
  }),
  z.strictObject({
    kind: z.literal("integer").describe("A whole number."),
    name: parameterName,
    low: z.number().int().describe("The smallest value."),
    high: z.number().int().describe("The largest value, above `low`."),
    step: z.number().int().positive().optional().describe("Distance of the values. Default: 1."),
    log: z.boolean().default(false).describe("Drawn on a logarithmic scale; not with `step`."),
    when: condition,
  }),
  z.strictObject({
    kind: z.literal("float").describe("A number."),
    name: parameterName,
    low: z.number().describe("The smallest value."),
    high: z.number().describe("The largest value, above `low`."),
    step: z.number().positive().optional().describe("Distance of the values. Default: any value in between."),
    log: z.boolean().default(false).describe("Drawn on a logarithmic scale; not with `step`."),
    when: condition,
  }),
]);

export const searchSchema = z
  .strictObject({
    algorithm: z
      .enum(["tpe", "random", "grid", "nsga2", "cmaes", "gp"])
      .default("tpe")
      .describe("How the next trial is chosen."),
    pruner: z.enum(["median", "hyperband", "none"]).default("median").describe("How hopeless trials are ended early."),
    objectives: z
      .array(
        z.strictObject({
          metric: z
            .enum(["validationLoss", "validationAccuracy", "validationF1", "parameters", "epochSeconds"])
            .describe("What a trial is judged by; the test split is never looked at."),
          direction: z.enum(["minimize", "maximize"]).describe("Which way is better."),
        }),
      )
      .min(1)
      .max(3)
      .default([{ metric: "validationLoss", direction: "minimize" }])
      .describe("One or several; of several, the point of the front nearest to the ideal is taken."),
    trials: z.number().int().min(1).max(100_000).describe("Trials, finished or pruned."),
    timeoutSeconds: z
      .number()
      .int()
      .positive()
      .optional()
      .describe("Ends the search with what it has by then. Default: no limit but the deadline."),
    epochs: z.number().int().min(1).max(10_000).optional().describe("Epochs of a trial. Default: those of `training`."),
    workers: z.number().int().min(1).max(MAX_WORKERS).default(1).describe("Trials at the same time, one pod each."),
    seed: z.number().int().nonnegative().default(17).describe("Decides which trials are drawn."),
    space: z
      .array(parameterSchema)
      .min(1)
      .max(64)
      .describe(
        "What is searched. Unless of a grid, the first trial is the training as written, where it lies in here.",
      ),
    maxRestarts: z.number().int().min(0).max(100).default(3).describe("Restarts of a worker that failed."),
    resources: workResourcesSchema.default({ cpu: 0.5, cpuLimit: 1, memoryGiB: 2 }).describe("Of each worker."),
    deadlineSeconds: z.number().int().positive().default(14_400).describe("A search that takes longer fails."),
  })
  .describe("How the training's parameters are found. Default: they are taken as written.");

const stepEpochs = z
  .number()
  .int()
  .min(0)
  .max(10_000)
  .default(1)
  .describe("Passes of fine-tuning over the training split.");
const stepRate = z.number().positive().max(10).default(0.001).describe("Step size of the fine-tuning.");

const llmStep = z.strictObject({
  kind: z.literal("llm").describe("A language model quantised by llm-compressor and scored by lm-eval; the only step."),
  scheme: z
    .enum(["fp8", "int8", "w4a16", "nvfp4"])
    .describe("Weights and activations of 8 bits (floating point or integers), weights of 4 bits, or both of 4."),
  image: imageSchema.describe(
    "An image with llm-compressor and lm-eval that keeps workloads/CONTRACT.md, which the nodes can pull.",
  ),
  gpu: z.number().int().min(1).max(16).default(1).describe("GPUs of the run."),
  gpuResource: deviceResource.optional().describe("What the cluster calls a GPU. Default: `nvidia.com/gpu`."),
  ignore: z.array(z.string().min(1)).default(["lm_head"]).describe("Layers that stay as they are."),
  calibration: z
    .strictObject({
      items: z.number().int().min(1).max(100_000).default(512).describe("Items of the training split."),
      maxLength: z.number().int().min(1).max(1_048_576).default(2048).describe("Tokens an item is cut to."),
    })
    .prefault({})
    .describe("What ranges are measured on; of no effect with fp8, which needs none."),
  evaluation: z
    .strictObject({
      tasks: z
        .array(text(/^[a-z0-9][a-z0-9_-]*$/, "the name of a task of lm-eval"))
        .min(1)
        .max(32)
        .describe("Tasks of lm-eval; the mean of their accuracies is the candidate's."),
      fewShot: z.number().int().min(0).max(64).default(0).describe("Examples before each question."),
      limit: z.number().int().min(1).optional().describe("Questions of each task. Default: all."),
    })
    .describe("What the gate compares it with the trained model by."),
});

export const compressionStepSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("prune").describe("Removes the channels that matter least, and fine-tunes the rest."),
    importance: z
      .enum(["taylor", "taylor-sqrt", "magnitude"])
      .default("taylor")
      .describe("|gradient x weight| summed a channel, its square root, or the weights' size alone."),
    target: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z.literal("sparsity").describe("A fraction of the channels."),
          sparsity: z.number().gt(0).lt(1).describe("Fraction of each layer's channels that go."),
        }),
        z.strictObject({
          kind: z.literal("threshold").describe("Every channel below a bound."),
          threshold: z.number().positive().describe("Fraction of the mean importance below which a channel goes."),
        }),
      ])
      .describe("How much is removed."),
    epochs: stepEpochs,
    learningRate: stepRate,
    penalty: z.number().min(0).max(1).default(0.0001).describe("Weight of the regularisation in fine-tuning."),
  }),
  z.strictObject({
    kind: z.literal("quantize").describe("Eight-bit integers in place of floating point."),
    method: z
      .enum(["dynamic", "static", "qat"])
      .default("dynamic")
      .describe("Ranges measured per request, calibrated beforehand, or learned by quantisation-aware training."),
    calibrationItems: z.number().int().min(1).max(100_000).default(256).describe("Items the ranges are measured on."),
    epochs: stepEpochs.describe("Passes of quantisation-aware training; of no effect otherwise."),
    learningRate: stepRate,
  }),
  z.strictObject({
    kind: z.literal("distill").describe("A smaller network that learns from the larger one."),
    network: z
      .record(z.string(), z.number())
      .describe("Sizes of the student that differ from the teacher's, by their names in `training.network`."),
    epochs: z.number().int().min(1).max(10_000).default(3).describe("Passes over the training split."),
    learningRate: stepRate.default(0.01),
    temperature: z.number().min(1).max(100).default(2).describe("Softens the teacher's answers."),
    weight: z.number().min(0).max(1).default(0.5).describe("Of the teacher's answers against the labels."),
  }),
  llmStep,
]);

export const candidateSchema = z.strictObject({
  name: text(/^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/, "up to 32 of a-z, 0-9 and '-', starting with a letter").describe(
    "Names the candidate; unique in the model, and not `baseline`.",
  ),
  steps: z.array(compressionStepSchema).min(1).max(8).describe("What is done, in this order."),
});

export const compressionSchema = z
  .strictObject({
    candidates: z.array(candidateSchema).min(1).max(32).describe("What is tried; each is a run of its own."),
    objective: z
      .enum(["latency", "throughput", "size"])
      .default("latency")
      .describe("What the gate chooses by: the lowest p99 latency, the highest throughput, or the smallest file."),
    measureSeconds: z.number().min(1).max(3600).default(10).describe("Seconds each candidate is measured for."),
    maxRestarts: z
      .number()
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe("Restarts after a failure that is no disruption."),
    resources: workResourcesSchema
      .default({ cpu: 0.5, cpuLimit: 1, memoryGiB: 2 })
      .describe("Of each candidate's run."),
    deadlineSeconds: z.number().int().positive().default(7200).describe("A run that takes longer fails."),
  })
  .describe("How the trained model is made smaller and faster. Default: it is served as trained.");

export const canarySchema = z.strictObject({
  weights: z
    .array(z.number().int().min(1).max(99))
    .min(1)
    .max(16)
    .default([20, 50])
    .describe("Percent of the requests a new version gets in each step, rising."),
  stepSeconds: z.number().int().min(1).max(86_400).default(20).describe("Seconds a step is watched."),
  minRequests: z.number().int().min(1).max(1_000_000).default(50).describe("Labelled requests a step is judged on."),
  maxErrorRate: z.number().min(0).lt(1).default(0.01).describe("Errors a request beyond the stable version's."),
  maxLatencyIncrease: z
    .number()
    .min(0)
    .max(100)
    .default(0.5)
    .describe("Rise of the p99 or median latency over the stable version's, as a fraction of it."),
  minLatencyIncreaseMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(20)
    .describe("A rise of fewer milliseconds is none, however small the latency: that much is the machine's noise."),
  maxAccuracyDrop: z.number().min(0).lt(1).default(0.02).describe("Fall of the accuracy on labelled requests."),
  minAgreement: z.number().min(0).max(1).default(0.9).describe("Fraction of requests that both answer alike."),
  resources: resourcesSchema.default({ cpu: 0.1, cpuLimit: 0.5, memoryGiB: 0.5 }).describe("Of the judge."),
});

export const scalingSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("fixed").describe("The same number at all times."),
      replicas: z.number().int().min(1).max(1000).describe("Servers of each live version."),
    }),
    z.strictObject({
      kind: z.literal("auto").describe("As many as the requests call for; needs `platform.autoscaler`."),
      min: z
        .number()
        .int()
        .min(0)
        .max(1000)
        .default(1)
        .describe(
          "Servers of each live version at least. With 0 a version nobody asks sleeps, and requests that wake it are " +
            "held. A version on trial, and the one it is compared with, have at least one.",
        ),
      max: z.number().int().min(1).max(1000).describe("Servers of each live version at most."),
      concurrency: z
        .number()
        .positive()
        .max(1000)
        .default(4)
        .describe("Requests at a time, waiting ones included, that one server is wanted for."),
      idleSeconds: z
        .number()
        .int()
        .min(10)
        .max(86_400)
        .default(300)
        .describe("Seconds without a request before a version falls asleep; of effect where `min` is 0."),
      stabilisationSeconds: z
        .number()
        .int()
        .min(0)
        .max(3600)
        .default(120)
        .describe("Seconds that fewer servers must have been enough before any is taken away."),
      growthReplicas: z
        .number()
        .int()
        .min(1)
        .max(1000)
        .default(2)
        .describe("Servers added within `growthSeconds` at most: what waits while they start calls for no more."),
      growthSeconds: z
        .number()
        .int()
        .min(1)
        .max(1800)
        .default(30)
        .describe("The time `growthReplicas` is for; about what a server takes to start."),
    }),
  ])
  .default({ kind: "fixed", replicas: 1 })
  .describe("How many servers run.");

export const servingSchema = z
  .strictObject({
    engine: engineSchema,
    scaling: scalingSchema,
    resources: workResourcesSchema.default({ cpu: 0.25, cpuLimit: 1, memoryGiB: 1 }).describe("Of each server."),
    maxAccuracyDrop: z
      .number()
      .min(0)
      .lt(1)
      .default(0.01)
      .describe("Relative fall of the test accuracy below the baseline, and below what serves, that the gate allows."),
    canary: canarySchema.prefault({}).describe("How a new version takes over from the one that serves."),
    startupSeconds: z
      .number()
      .int()
      .positive()
      .optional()
      .describe(
        "Seconds a server may take to load the model before it counts as failed. Default: 180 for mlserver, 300 for " +
          "tensorflow-serving, 600 for triton and custom, 1200 for vllm.",
      ),
  })
  .describe("How it answers requests.");

export const watchSchema = z
  .strictObject({
    drift: z
      .strictObject({
        threshold: z
          .number()
          .positive()
          .max(10)
          .default(0.25)
          .describe("Population stability index of any feature that counts as drift; 0.1 is a moderate change."),
        windowSeconds: z
          .number()
          .int()
          .min(60)
          .max(2_592_000)
          .default(3600)
          .describe("Requests of this long are compared with the data the model was chosen by."),
        minRequests: z
          .number()
          .int()
          .min(100)
          .max(100_000_000)
          .default(500)
          .describe("Items in the window; of fewer the index is noise."),
        sustainSeconds: z
          .number()
          .int()
          .min(0)
          .max(604_800)
          .default(600)
          .describe("How long the index must stay at the threshold."),
      })
      .optional()
      .describe(
        "Trains anew when what is asked is no longer like the data. Default: it is measured, and nothing follows.",
      ),
    quality: z
      .strictObject({
        maxAccuracyDrop: z
          .number()
          .gt(0)
          .lt(1)
          .default(0.05)
          .describe("Relative fall of the accuracy on labelled requests below the recorded test accuracy."),
        minLabels: z
          .number()
          .int()
          .min(1)
          .max(100_000_000)
          .default(500)
          .describe("Labels in the window; of fewer nothing is concluded."),
        windowSeconds: z
          .number()
          .int()
          .min(60)
          .max(2_592_000)
          .default(604_800)
          .describe("Labels of this long are looked at."),
      })
      .optional()
      .describe(
        "Trains anew when the labels people send say that answers have become worse. Default: nothing follows.",
      ),
    schedule: z
      .strictObject({
        everyHours: z.number().positive().max(8760).describe("Length of a period; they are counted from 1970."),
      })
      .optional()
      .describe("Trains anew in each period in which nothing was trained. Default: never for that reason."),
    cooldownSeconds: z
      .number()
      .int()
      .min(0)
      .max(2_592_000)
      .default(21_600)
      .describe("Shortest time between two times that the model is trained anew for any of these reasons."),
    maxPerDay: z.number().int().min(1).max(1000).default(4).describe("Most times in 24 hours."),
  })
  .describe("When the model is trained again by itself. Default: nothing is watched.");

export const modelSchema = z
  .strictObject({
    name: text(
      new RegExp(`^(?=.{1,${MAX_MODEL_NAME_LENGTH}}$)[a-z]([-a-z0-9]*[a-z0-9])?$`),
      `at most ${MAX_MODEL_NAME_LENGTH} of a-z, 0-9 and '-', starting with a letter and not ending in '-', so that the names of its runs fit into 63`,
    ).describe("Names the model's runs, its Service and its endpoint; unique in the stack."),
    task: z.enum(["text-classification", "image-classification"]).describe("What the model does."),
    dataset,
    search: searchSchema.optional(),
    workload: workloadSchema.optional(),
    training: trainingSchema,
    compression: compressionSchema.optional(),
    serving: servingSchema,
    watch: watchSchema.optional(),
  })
  .describe("A model to train and serve.");

export const stackSchema = z.strictObject({
  platform,
  pools: poolsSchema,
  scheduling: schedulingSchema.optional(),
  models: z.array(modelSchema).max(1000).default([]).describe("The models to train and serve."),
  endpoints: endpointsSchema,
  simulation: simulationSchema.optional(),
});

export type StackSpec = z.infer<typeof stackSchema>;
export type PlatformSpec = StackSpec["platform"];
/** Where datasets, checkpoints and trained models are kept. */
export type StorageSpec = NonNullable<PlatformSpec["storage"]>;
export type ClusterSpec = PlatformSpec["cluster"];
export type ModelSpec = z.infer<typeof modelSchema>;
export type LlmStep = z.infer<typeof llmStep>;
export type CandidateSpec = z.infer<typeof candidateSchema>;
export type SearchSpec = z.infer<typeof searchSchema>;
export type WatchSpec = z.infer<typeof watchSchema>;
export type DatasetSource = z.infer<typeof sourceSchema>;
export type WorkloadSpec = z.infer<typeof workloadSchema>;
export type Resources = z.infer<typeof resourcesSchema>;
export type WorkResources = z.infer<typeof workResourcesSchema>;
export type ServingSpec = z.infer<typeof servingSchema>;
export type ScalingSpec = z.infer<typeof scalingSchema>;
export type DatabaseSpec = z.infer<typeof databaseSchema>;
export type AutoscalerSpec = z.infer<typeof autoscalerSchema>;

/**
 * What identifies the bytes a stack file points at: computed when the stack is loaded, so that `plan` stays pure and a run
 * can be named by everything that determines it.
 */
export interface StackContent {
  /** SHA-256 of each image's build context and arguments, by image name. */
  readonly images: Readonly<Record<ImageName, string>>;
  /** SHA-256 of each model's source data, by model name. */
  readonly sources: Readonly<Record<string, string>>;
  /** The same as of `images`, of the image that a model names as its workload, by model name. */
  readonly workloads: Readonly<Record<string, string>>;
}

/** The images built from `workloads/`. */
export const IMAGE_NAMES = ["trainer", "server", "recorder", "router", "database", "prometheus", "mlflow"] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

/** A validated stack: what is wanted. Plain data, so that it can be hashed, compared and printed. */
export interface Stack extends StackSpec {
  /** The Pulumi stack's name, e.g. `local`. */
  readonly name: string;
  readonly content: StackContent;
  /** The stack whose cluster this one runs on, as its file says. @default the stack has its own cluster */
  readonly platformStack?: StackSpec & { readonly name: string };
  /** Those of stacks whose files say that they stand on this one's cluster. @default there are none */
  readonly guests?: readonly Pick<StackSpec, "endpoints" | "models">[];
}
