import type { Problem } from "../core/problem.ts";
import type { ServedVersion } from "../lifecycle/types.ts";
import { validateArtifactPath } from "../platform/artifacts.ts";

/** What is wrong with a version that should serve. The schema has checked the model; the rest comes from a record. */
export function validateEndpoint({ model, record }: ServedVersion): Problem[] {
  const problems = validateArtifactPath("live.record.artifact.path", record.artifact.path);
  if (record.model !== model.name) {
    problems.push({ path: "live.record.model", message: `must be ${model.name}`, value: record.model });
  }
  return problems;
}
