import { memberAt } from "./pods.ts";
import { containerRule } from "./rule.ts";

const REQUIRED = [
  ["requests", "cpu"],
  ["requests", "memory"],
  ["limits", "cpu"],
  ["limits", "memory"],
] as const;

/** Without requests the scheduler places blindly; without limits one container takes its node from the others. */
export const containerResourcesRequired = containerRule({
  name: "container-resources-required",
  description: "Every container requests CPU and memory and has a limit on both.",
  severity: "medium",
  tags: ["reliability", "capacity"],
  remediationSteps: "Set requests and limits of cpu and memory, in a stack file by the part's `resources`.",
  judge: (container, { isPatch }) => {
    const resources = container.get("resources");
    if (isPatch && resources === undefined) {
      return [];
    }
    const missing = REQUIRED.filter((path) => !isQuantity(memberAt(resources, ...path))).map((path) => path.join("."));
    return missing.length === 0 ? [] : [`has no ${missing.join(", ")}`];
  },
});

function isQuantity(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && value !== "");
}
