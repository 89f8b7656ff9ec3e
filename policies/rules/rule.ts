import type { ResourceValidationPolicy, Severity } from "@pulumi/policy";
import { type Container, describeObject, judgeContainers } from "./pods.ts";

export interface ContainerRule {
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly tags: readonly string[];
  /** What to do, as a full sentence. */
  readonly remediationSteps: string;
  /** What is wrong with a container, each as the end of the sentence "container x ...". Empty where it keeps the rule. */
  readonly judge: (container: Container, object: ObjectContext) => readonly string[];
}

export interface ObjectContext {
  /** A patch holds only the fields it changes: what it leaves out is not missing. */
  readonly isPatch: boolean;
}

/** A mandatory policy that judges every container. */
export function containerRule({ judge, tags, ...rule }: ContainerRule): ResourceValidationPolicy {
  return {
    ...rule,
    tags: [...tags],
    enforcementLevel: "mandatory",
    url: `docs/policies.md#${rule.name}`,
    validateResource: ({ type, props, name }, reportViolation) => {
      const object = { isPatch: type.endsWith("Patch") };
      judgeContainers(type, props, (container) => {
        for (const fault of judge(container, object)) {
          const where = `${describeObject(type, props, name)}: container ${container.name} (${container.path})`;
          reportViolation(`${where} ${fault}. ${rule.remediationSteps}`);
        }
      });
    },
  };
}
