import { z } from "zod";

/** The servers a model can be answered by. What each needs to run is in components/catalog/engines.ts. */

export const imageSchema = z
  .string()
  .regex(/^\S+@sha256:[0-9a-f]{64}$/)
  .meta({
    allowed: "an image by its digest, repository@sha256:<64 hexadecimal digits>, which `docker pull` prints",
  })
  .describe("Its image, which the cluster's nodes can pull.");
const image = imageSchema;

const path = (description: string) =>
  z
    .string()
    .regex(/^\/[^\s"']*$/)
    .meta({ allowed: 'a path, starting with "/" and without spaces', description });

const port = (description: string) => z.number().int().min(1024).max(65_535).describe(description);

const PROTOCOL = z.enum(["v2", "tensorflow", "openai"]);

export const engineKinds = ["mlserver", "triton", "tensorflow-serving", "vllm", "custom"] as const;

const kinds = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("mlserver").describe("MLServer, built here for the models trained here.") }),
  z.strictObject({
    kind: z.literal("triton").describe("NVIDIA's Triton Inference Server."),
    image,
  }),
  z.strictObject({
    kind: z.literal("tensorflow-serving").describe("TensorFlow Serving."),
    image,
  }),
  z.strictObject({
    kind: z.literal("vllm").describe("vLLM, which answers OpenAI's API."),
    image,
    servedName: z
      .string()
      .regex(/^[A-Za-z0-9][-A-Za-z0-9._/]{0,127}$/)
      .meta({ allowed: "up to 128 letters, digits, '-', '.', '_' and '/', starting with a letter or digit" })
      .optional()
      .describe("What requests call the model. Default: its name."),
    tensorParallel: z
      .number()
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe("GPUs one server divides the model among; `resources.gpu` is the same number."),
    maxModelLength: z
      .number()
      .int()
      .min(1)
      .max(16_777_216)
      .optional()
      .describe("Tokens of a request and its answer at most. Default: what the model's own configuration says."),
    gpuMemoryFraction: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.9)
      .describe("Fraction of each GPU's memory it takes for the model and for what is under way."),
  }),
  z.strictObject({
    kind: z.literal("custom").describe("Any image that keeps the contract in docs/serving.md."),
    image,
    protocol: PROTOCOL.default("v2").describe("What requests look like, for the judge of a rollout and for `status`."),
    port: port("Where it takes requests over HTTP."),
    readyPath: path("Answers 200 once the model answers. `{model}` stands for the model's name."),
    livePath: path("Answers 200 while the server works. `{model}` stands for the model's name."),
    modelFolder: path("Where it finds what the version's run left, read-only.").default("/mnt/models"),
    arguments: z
      .array(z.string())
      .default([])
      .describe("Arguments of the image's own entry point. `{model}` stands for the model's name."),
    environment: z.record(z.string(), z.string()).default({}).describe("Its variables; secrets do not belong here."),
    metrics: z
      .strictObject({
        port: port("Where it tells its metrics; may be `port`."),
        path: path("In the format of Prometheus.").default("/metrics"),
        latencySeconds: z
          .string()
          .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/)
          .meta({ allowed: "the name of a metric, without labels" })
          .optional()
          .describe("The histogram of its requests' seconds, without `_bucket`. Default: latency is not watched."),
      })
      .optional()
      .describe("What it tells of itself. Default: nothing, and Prometheus does not ask it."),
  }),
]);

/** `mlserver` alone stands for `{kind: mlserver}`. */
export const engineSchema = z
  .preprocess((value) => (value === "mlserver" ? { kind: value } : value), kinds)
  .meta({
    shorthand: "mlserver",
    allowed: `"mlserver", or an object whose kind is one of ${engineKinds.map((kind) => `"${kind}"`).join(", ")}`,
  })
  .describe("The server.");

export type EngineSpec = z.infer<typeof kinds>;
export type Protocol = z.infer<typeof PROTOCOL>;
