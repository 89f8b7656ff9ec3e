import { z } from "zod";
import { MAX_MODEL_NAME_LENGTH, MAX_WORKERS } from "../components/core/names.ts";

/**
 * The shape of a stack file's `millwright:` configuration. Every object is strict: an unknown field is a problem, not a
 * silent no-op. Units are in the names. `rules.ts` adds what one value cannot show alone.
 *
 * Descriptions and defaults written here are what editors show and what docs/stack-file.md lists (`npm run schema`).
 * `allowed` says in words what a pattern asks for; it completes the sentence "must be ...".
 */

function text(pattern: RegExp, allowed: string) {
  return z.string().regex(pattern).meta({ allowed });
}

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
  .describe("Where datasets, checkpoints and trained models are kept.");

const platform = z
  .strictObject({
    cluster: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z.literal("local").describe("The datacenter `npm run up` starts on this machine."),
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
    namespace: text(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a Kubernetes namespace: up to 63 of a-z, 0-9 and '-'")
      .default("millwright")
      .describe("Where the models of this stack live."),
    storage,
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
]);

const dataset = z
  .strictObject({
    source: sourceSchema.describe("Where the raw data comes from."),
    format: z.enum(["spam-assassin"]).describe("How the files are read."),
    split: splitSchema
      .default({ train: 0.8, validation: 0.1, test: 0.1, seed: 17 })
      .describe("How the items are divided; the three fractions add up to 1."),
    resources: resourcesSchema
      .default({ cpu: 0.25, cpuLimit: 1, memoryGiB: 1 })
      .describe("Of the Job that prepares the data."),
    deadlineSeconds: z.number().int().positive().default(1800).describe("A run that takes longer fails."),
  })
  .describe("The data the model learns from.");

const networkSchema = z.strictObject({
  kind: z.enum(["text-cnn"]).describe("The architecture."),
  vocabularySize: z
    .number()
    .int()
    .min(100)
    .max(1_000_000)
    .default(20_000)
    .describe("Most frequent words that are kept."),
  embeddingSize: z.number().int().min(4).max(4096).default(64).describe("Dimensions of a word's vector."),
  channels: z.number().int().min(1).max(4096).default(64).describe("Filters of each convolution."),
  sequenceLength: z.number().int().min(8).max(8192).default(256).describe("Words an item is cut or padded to."),
  dropout: z.number().min(0).lt(1).default(0.3).describe("Fraction dropped in training."),
});

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
    network: networkSchema.describe("The network and its sizes."),
    checkpointSeconds: z
      .number()
      .int()
      .positive()
      .default(60)
      .describe("Seconds between checkpoints; one is also written on SIGTERM."),
    maxRestarts: z
      .number()
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe("Restarts after a failure that is not a disruption."),
    resources: resourcesSchema.default({ cpu: 0.5, cpuLimit: 1, memoryGiB: 2 }).describe("Of each worker."),
    deadlineSeconds: z.number().int().positive().default(7200).describe("A run that takes longer fails."),
  })
  .describe("How it learns.");

export const servingSchema = z
  .strictObject({
    engine: z.enum(["mlserver"]).describe("The server."),
    scaling: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z.literal("fixed").describe("The same number at all times."),
          replicas: z.number().int().min(1).max(1000).describe("Servers of each live version."),
        }),
      ])
      .default({ kind: "fixed", replicas: 1 })
      .describe("How many servers run."),
    resources: resourcesSchema.default({ cpu: 0.25, cpuLimit: 1, memoryGiB: 1 }).describe("Of each server."),
    startupSeconds: z
      .number()
      .int()
      .positive()
      .default(180)
      .describe("Seconds a server may take to load the model before it counts as failed."),
  })
  .describe("How it answers requests.");

const model = z
  .strictObject({
    name: text(
      new RegExp(`^(?=.{1,${MAX_MODEL_NAME_LENGTH}}$)[a-z]([-a-z0-9]*[a-z0-9])?$`),
      `at most ${MAX_MODEL_NAME_LENGTH} of a-z, 0-9 and '-', starting with a letter and not ending in '-', so that the names of its runs fit into 63`,
    ).describe("Names the model's runs, its Service and its endpoint; unique in the stack."),
    task: z.enum(["text-classification"]).describe("What the model does."),
    dataset,
    training: trainingSchema,
    serving: servingSchema,
  })
  .describe("A model to train and serve.");

export const stackSchema = z.strictObject({
  platform,
  models: z.array(model).min(1).describe("The models to train and serve."),
});

export type StackSpec = z.infer<typeof stackSchema>;
export type PlatformSpec = StackSpec["platform"];
export type ModelSpec = StackSpec["models"][number];
export type DatasetSource = z.infer<typeof sourceSchema>;
export type Resources = z.infer<typeof resourcesSchema>;

/**
 * What identifies the bytes a stack file points at: computed when the stack is loaded, so that `plan` stays pure and a run
 * can be named by everything that determines it.
 */
export interface StackContent {
  /** SHA-256 of each image's build context and arguments, by image name. */
  readonly images: Readonly<Record<ImageName, string>>;
  /** SHA-256 of each model's source data, by model name. */
  readonly sources: Readonly<Record<string, string>>;
}

/** The images built from `workloads/`. */
export const IMAGE_NAMES = ["trainer", "server", "recorder"] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

/** A validated stack: what is wanted. Plain data, so that it can be hashed, compared and printed. */
export interface Stack extends StackSpec {
  /** The Pulumi stack's name, e.g. `local`. */
  readonly name: string;
  readonly content: StackContent;
}
