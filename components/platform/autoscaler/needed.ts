import type { Stack } from "../../../stacks/schema.ts";
import type { AutoscalerArgs } from "./types.ts";

/**
 * The autoscaler a stack has to bring: where it says so, and a model of it is scaled. Undefined where there is none to
 * bring.
 */
export function autoscalerOf({ platform, models }: Pick<Stack, "platform" | "models">): AutoscalerArgs | undefined {
  const { autoscaler, registry } = platform;
  const isUsed = models.some(({ serving }) => serving.scaling.kind === "auto");
  return autoscaler?.kind === "install" && isUsed
    ? { namespace: autoscaler.namespace, image: autoscaler.image, registry }
    : undefined;
}
