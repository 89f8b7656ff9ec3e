import type { Problem } from "../components/core/problem.ts";
import { type EngineSpec, engineSchema } from "./engines.ts";
import { memberOf } from "./json-schema.ts";
import { watchSchema, workResourcesSchema } from "./schema.ts";

/** What an engine says of the rest of its model. Paths start at the model. */
export function servingProblems(model: unknown): Problem[] {
  const engine = engineSchema.safeParse(["serving", "engine"].reduce(memberOf, model));
  return engine.success
    ? [
        ...gpuProblems(engine.data, model),
        ...taskProblems(engine.data, model),
        ...watchProblems(engine.data, model),
        ...environmentProblems(engine.data),
      ]
    : [];
}

function gpuProblems(engine: EngineSpec, model: unknown): Problem[] {
  const written = ["serving", "resources"].reduce(memberOf, model);
  const resources = workResourcesSchema
    .pick({ gpu: true, gpuResource: true })
    .strip()
    .safeParse(written ?? {});
  if (!resources.success) {
    return [];
  }
  const { gpu, gpuResource } = resources.data;
  const path = "serving.resources.gpu";
  if (gpuResource !== undefined && gpu === undefined) {
    const message = "is required where gpuResource says what a GPU is called: a whole number from 1 to 16.";
    return [{ path, message }];
  }
  if (engine.kind === "mlserver" && gpu !== undefined) {
    const message = "must be left out with mlserver, whose image computes on CPUs; triton, vllm and custom use GPUs.";
    return [{ path, message, value: gpu }];
  }
  if (engine.kind === "vllm" && (gpu ?? 1) !== engine.tensorParallel) {
    const message = `must be ${engine.tensorParallel}, as many as engine.tensorParallel divides the model among.`;
    return [{ path, message, ...(gpu === undefined ? {} : { value: gpu }) }];
  }
  return [];
}

/** The judge of a rollout puts a test item into a request: OpenAI's API has none for pixels. */
function taskProblems(engine: EngineSpec, model: unknown): Problem[] {
  const speaksOpenAi = engine.kind === "vllm" || (engine.kind === "custom" && engine.protocol === "openai");
  if (!speaksOpenAi || memberOf(model, "task") !== "image-classification") {
    return [];
  }
  return engine.kind === "vllm"
    ? [
        {
          path: "serving.engine.kind",
          message:
            "must be mlserver, triton, tensorflow-serving or custom: vllm is asked texts, and this task has images.",
          value: engine.kind,
        },
      ]
    : [
        {
          path: "serving.engine.protocol",
          message: "must be v2 or tensorflow: OpenAI's API is asked texts, and this task has images.",
          value: "openai",
        },
      ];
}

/** Drift and quality are told by the server, which counts what it is asked (see workloads/CONTRACT.md). */
function watchProblems(engine: EngineSpec, model: unknown): Problem[] {
  if (engine.kind === "mlserver" || engine.kind === "custom") {
    return [];
  }
  const watch = memberOf(model, "watch");
  return (["drift", "quality"] as const)
    .filter((field) => watchSchema.shape[field].safeParse(memberOf(watch, field)).data !== undefined)
    .map((field) => ({
      path: `watch.${field}`,
      message:
        `must be left out with ${engine.kind}, which does not tell what it was asked; ` +
        "mlserver does, and a custom image may. A schedule needs neither.",
    }));
}

function environmentProblems(engine: EngineSpec): Problem[] {
  if (engine.kind !== "custom") {
    return [];
  }
  return Object.keys(engine.environment)
    .filter((name) => !/^(?!MILLWRIGHT_)[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map((name) => ({
      path: `serving.engine.environment.${name}`,
      message: "must be a variable's name of letters, digits and '_', not starting with MILLWRIGHT_, which is ours.",
    }));
}
