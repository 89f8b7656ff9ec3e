import { z } from "zod";

/**
 * The shape of a stack file's `millwright:` configuration. Every object is strict: an unknown field is a problem, not a
 * silent no-op. Units are in the names. `loadStack` in `load.ts` adds what one value cannot show alone.
 */

/** RFC 1123 label, short enough that `<model>-training-<hash>-<index>` stays within 63 characters. */
const name = z
  .string()
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, "must be lower-case letters, digits and '-', starting with a letter")
  .max(32, "must be at most 32 characters, so that the names of its runs fit into 63");

const namespace = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be a Kubernetes namespace name")
  .max(63);

/** CPU and memory of one container; the request equals the limit for memory, and CPU may burst to `cpuLimit`. */
const resources = z.strictObject({
  /** Requested cores. */
  cpu: z.number().positive().max(256),
  /** Upper bound in cores. @default the request */
  cpuLimit: z.number().positive().max(256).optional(),
  /** Requested memory, which is also the limit, in GiB. */
  memoryGiB: z.number().positive().max(4096),
});

const storage = z.discriminatedUnion("kind", [
  z.strictObject({
    /** A folder of one node, for clusters of a single machine. */
    kind: z.literal("node"),
    /** The node that holds the folder. @default "millwright" */
    node: z.string().min(1).default("millwright"),
    /** Absolute path on that node. */
    path: z.string().startsWith("/", "must be an absolute path"),
    sizeGiB: z.number().int().positive(),
  }),
  z.strictObject({
    kind: z.literal("storageClass"),
    /** A StorageClass that offers ReadWriteMany. */
    storageClassName: z.string().min(1),
    sizeGiB: z.number().int().positive(),
  }),
]);

const platform = z.strictObject({
  cluster: z.discriminatedUnion("kind", [
    z.strictObject({
      /** The datacenter `scripts/` starts on this machine. */
      kind: z.literal("local"),
    }),
    z.strictObject({
      /** A cluster that exists. */
      kind: z.literal("existing"),
      /** The kubeconfig context. */
      context: z.string().min(1),
      /** @default $KUBECONFIG, else ~/.kube/config */
      kubeconfig: z.string().min(1).optional(),
    }),
  ]),
  /** Where the models of this stack live. @default "millwright" */
  namespace: namespace.default("millwright"),
  storage,
  /** Where built images are pushed, `host[:port][/path]`. @default "127.0.0.1:5000/millwright" */
  registry: z
    .string()
    .regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/, "must be host[:port][/path], without a scheme")
    .default("127.0.0.1:5000/millwright"),
  /** Image the workload images are built from; needs Debian's apt and Python 3.11. @default the base `npm run up` builds */
  baseImage: z.string().min(1).default("127.0.0.1:5000/millwright/base:bookworm"),
});

const fraction = z.number().gt(0).lt(1);

const dataset = z.strictObject({
  source: z.discriminatedUnion("kind", [
    z.strictObject({
      /** A folder inside an npm package this repository depends on. */
      kind: z.literal("npm"),
      package: z.string().min(1),
      /** Exact version; the installed one must match. */
      version: z.string().regex(/^\d+\.\d+\.\d+/, "must be an exact version such as 0.2.3"),
      /** Folder inside the package. @default "data" */
      path: z.string().min(1).default("data"),
    }),
    z.strictObject({
      /** A folder of this machine, relative to the repository. */
      kind: z.literal("directory"),
      path: z.string().min(1),
    }),
  ]),
  /** How the files are read. */
  format: z.enum(["spam-assassin"]),
  /** Fractions of the distinct items; they add up to 1. */
  split: z
    .strictObject({ train: fraction, validation: fraction, test: fraction, seed: z.number().int().nonnegative() })
    .default({ train: 0.8, validation: 0.1, test: 0.1, seed: 17 }),
  resources: resources.default({ cpu: 0.25, cpuLimit: 1, memoryGiB: 1 }),
  /** A run that takes longer fails. @default 1800 */
  deadlineSeconds: z.number().int().positive().default(1800),
});

const training = z.strictObject({
  /** Pods of the torchrun group, one process each. @default 1 */
  workers: z.number().int().min(1).max(1024).default(1),
  epochs: z.number().int().min(1).max(10_000),
  /** Items a step and worker. */
  batchSize: z.number().int().min(1).max(65_536).default(64),
  learningRate: z.number().positive().max(10).default(0.001),
  seed: z.number().int().nonnegative().default(17),
  /** The network and its sizes. */
  network: z.strictObject({
    kind: z.enum(["text-cnn"]),
    vocabularySize: z.number().int().min(100).max(1_000_000).default(20_000),
    embeddingSize: z.number().int().min(4).max(4096).default(64),
    channels: z.number().int().min(1).max(4096).default(64),
    /** Tokens an item is cut or padded to. @default 256 */
    sequenceLength: z.number().int().min(8).max(8192).default(256),
    dropout: z.number().min(0).lt(1).default(0.3),
  }),
  /** Seconds between checkpoints; one is also written on SIGTERM. @default 60 */
  checkpointSeconds: z.number().int().positive().default(60),
  /** Restarts after a failure that is not a disruption. @default 3 */
  maxRestarts: z.number().int().min(0).max(100).default(3),
  /** Of each worker. */
  resources: resources.default({ cpu: 0.5, cpuLimit: 1, memoryGiB: 2 }),
  /** A run that takes longer fails. @default 7200 */
  deadlineSeconds: z.number().int().positive().default(7200),
});

const serving = z.strictObject({
  engine: z.enum(["mlserver"]),
  scaling: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("fixed"), replicas: z.number().int().min(1).max(1000) }),
  ]).default({ kind: "fixed", replicas: 1 }),
  resources: resources.default({ cpu: 0.25, cpuLimit: 1, memoryGiB: 1 }),
  /** Seconds a server may take to load the model before it counts as failed. @default 180 */
  startupSeconds: z.number().int().positive().default(180),
});

const model = z.strictObject({
  name,
  task: z.enum(["text-classification"]),
  dataset,
  training,
  serving,
});

export const stackSchema = z.strictObject({
  platform,
  models: z.array(model).min(1, "must name at least one model"),
});

export type StackSpec = z.infer<typeof stackSchema>;
export type PlatformSpec = StackSpec["platform"];
export type ModelSpec = StackSpec["models"][number];
export type Resources = z.infer<typeof resources>;

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
export type ImageName = "trainer" | "server" | "recorder";

/** A validated stack: what is wanted. */
export interface Stack extends StackSpec {
  /** The Pulumi stack's name, e.g. `local`. */
  readonly name: string;
  readonly content: StackContent;
}
