import { z } from "zod";
import { imageSchema } from "./engines.ts";
import { namespaceName, shortName, text } from "./text.ts";

/** Language models that are served as they were published, by vLLM; a replica may be several nodes (LeaderWorkerSet). */

const count = (max: number, description: string) => z.number().int().min(1).max(max).default(1).describe(description);

export const endpointSchema = z.strictObject({
  name: shortName().describe("Names the endpoint and its objects; unique, and no model's name."),
  model: z
    .strictObject({
      architecture: z
        .string()
        .min(1)
        .describe("The model's name in components/catalog/model-architectures.ts: what its memory is reckoned by."),
      dataType: z.enum(["bf16", "fp16", "fp8", "int8", "int4", "nvfp4"]).default("bf16").describe("Of its weights."),
      weights: text(
        /^(s3:\/\/[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]\/\S+|\/\S+|[A-Za-z0-9][-A-Za-z0-9._]*\/[A-Za-z0-9][-A-Za-z0-9._]*)$/,
        'a bucket\'s prefix (s3://bucket/prefix), a folder of the artifacts (/models/x) or a repository ("owner/name")',
      ).describe("Where its weights are."),
      revision: text(/^[0-9a-f]{40}$/, "the 40 hexadecimal digits of a commit")
        .optional()
        .describe("The repository's commit, so that every replica serves the same. Required with a repository."),
      token: z
        .strictObject({
          secretName: z.string().min(1).max(253).describe("A Secret of the stack's namespace."),
          key: z.string().min(1).max(253).default("token").describe("Its member that holds the token."),
        })
        .optional()
        .describe("Who asks the repository, where it is not everybody's. Default: nobody in particular."),
    })
    .describe("What is served."),
  image: imageSchema.describe("vLLM's image, by its digest."),
  pool: z.string().min(1).describe("The pool its pods run on."),
  parallelism: z
    .strictObject({
      tensor: count(16, "Devices a layer is divided among; all on one node."),
      pipeline: count(16, "Nodes the layers are divided among, one after the other."),
    })
    .prefault({})
    .describe("How one replica is spread over devices; their product is the replica's devices."),
  context: z
    .strictObject({
      tokens: z.number().int().min(256).max(16_777_216).default(8192).describe("Tokens of a request and its answer."),
      sequences: z.number().int().min(1).max(4096).default(32).describe("Requests of that length at the same time."),
    })
    .prefault({})
    .describe("What must fit into the memory beside the weights, or the endpoint is refused."),
  memoryFraction: z.number().gt(0).lt(1).default(0.9).describe("Fraction of each device's memory that it takes."),
  scaling: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("fixed").describe("The same number at all times."),
        replicas: z.number().int().min(1).max(1000).describe("Replicas."),
      }),
      z.strictObject({
        kind: z.literal("auto").describe("As many as the waiting requests call for, by KEDA."),
        min: z
          .number()
          .int()
          .min(1)
          .max(1000)
          .default(1)
          .describe("Replicas at least: without any, nobody would hold a request or say that one waits."),
        max: z.number().int().min(1).max(1000).describe("Replicas at most."),
        waitingRequests: z
          .number()
          .positive()
          .max(1000)
          .default(5)
          .describe("Waiting requests one more replica is wanted for."),
        stabilisationSeconds: z
          .number()
          .int()
          .min(0)
          .max(3600)
          .default(300)
          .describe("Seconds that fewer must have been enough before any is taken away."),
      }),
    ])
    .default({ kind: "fixed", replicas: 1 })
    .describe("How many replicas run."),
  resources: z
    .strictObject({
      cpu: z.number().positive().max(256).describe("Requested cores."),
      cpuLimit: z.number().positive().max(256).optional().describe("Upper bound in cores. Default: as `cpu`."),
      memoryGiB: z.number().positive().max(4096).describe("Requested memory, which is also the limit, in GiB."),
    })
    .optional()
    .describe("Of each pod, beside its devices. Default: for each device 2 cores, up to 4, and 12 GiB."),
  clients: z
    .array(namespaceName())
    .max(64)
    .default([])
    .describe("Namespaces whose pods may ask it, beside the stack's own."),
  startupSeconds: z
    .number()
    .int()
    .positive()
    .max(86_400)
    .default(1800)
    .describe("Seconds a replica may take to load before it counts as failed."),
});

export const endpointsSchema = z
  .array(endpointSchema)
  .max(100)
  .default([])
  .describe("Published models that are served.");

export type EndpointSpec = z.infer<typeof endpointSchema>;
