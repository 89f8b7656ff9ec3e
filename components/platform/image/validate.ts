import path from "node:path";
import type { Problem } from "../../core/problem.ts";
import type { WorkloadImageArgs } from "./types.ts";

/** What is wrong with an image. Paths start at the image's arguments. */
export function validateImage(args: WorkloadImageArgs): Problem[] {
  const problems: Problem[] = [];
  if (!/^[0-9a-f]{64}$/.test(args.contentHash)) {
    const message = "must be a SHA-256 in lower-case hexadecimal";
    problems.push({ path: "contentHash", message, value: args.contentHash });
  }
  for (const field of ["context", "dockerfile"] as const) {
    if (path.isAbsolute(args[field])) {
      const message = "must be relative to the repository, so that another clone sees no change";
      problems.push({ path: field, message, value: args[field] });
    }
  }
  return problems;
}
