import { type Resource, ResourceError } from "@pulumi/pulumi";
import { formatProblems, type Problem } from "../core/problem.ts";

/**
 * Throws one ResourceError that lists all problems, if there are any. `what` names the component as users know it.
 * Components call it after `super`, since the error wants its resource.
 */
export function throwProblems(resource: Resource, what: string, problems: readonly Problem[]): void {
  if (problems.length > 0) {
    throw new ResourceError(`${what} cannot be made:\n${formatProblems(problems)}`, resource, true);
  }
}
