import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";
import { autoscalerSchema, scalingSchema } from "./schema.ts";

/** What the stack's autoscaler and the models' scaling say of each other. Paths start at `{platform, models}`. */
export function autoscalerProblems(raw: unknown): Problem[] {
  const models = memberOf(raw, "models");
  return [
    ...namespaceProblems(raw),
    ...(Array.isArray(models) ? models : []).flatMap((model: unknown, index) => scalingProblems(raw, model, index)),
  ];
}

function namespaceProblems(raw: unknown): Problem[] {
  const autoscaler = autoscalerSchema.safeParse(["platform", "autoscaler"].reduce(memberOf, raw));
  if (!autoscaler.success || autoscaler.data.kind !== "install") {
    return [];
  }
  const { namespace } = autoscaler.data;
  const models = ["platform", "namespace"].reduce(memberOf, raw) ?? "millwright";
  if (namespace !== models && namespace !== "default" && !namespace.startsWith("kube-")) {
    return [];
  }
  const message =
    "must be a namespace of its own, since it is made and removed with it: not that of the models, default or kube-*.";
  return [{ path: "platform.autoscaler.namespace", message, value: namespace }];
}

function scalingProblems(raw: unknown, model: unknown, index: number): Problem[] {
  const scaling = scalingSchema.safeParse(["serving", "scaling"].reduce(memberOf, model));
  if (!scaling.success || scaling.data.kind !== "auto") {
    return [];
  }
  const { min, max } = scaling.data;
  const path = `models[${index}].serving.scaling`;
  const problems: Problem[] = [];
  if (min > max) {
    problems.push({ path: `${path}.min`, message: `must be at most max, which is ${max}.`, value: min });
  }
  if (["platform", "autoscaler"].reduce(memberOf, raw) === undefined) {
    const message =
      "must be fixed, or platform.autoscaler must say {kind: install}, or {kind: present} where the cluster has KEDA.";
    problems.push({ path: `${path}.kind`, message, value: "auto" });
  }
  return problems;
}
