import path from "node:path";
import type { Problem } from "../core/problem.ts";
import type { PlatformArgs } from "./types.ts";

/** What the schema cannot say about a platform. Paths start at the stack's `platform`. */
export function validatePlatform({ namespace, storage }: PlatformArgs): Problem[] {
  const problems: Problem[] = [];
  if (namespace === "default" || namespace.startsWith("kube-")) {
    problems.push({
      path: "platform.namespace",
      message: "must be a namespace of the stack's own, since it is made and removed with it; not default or kube-*",
      value: namespace,
    });
  }
  if (storage.kind === "node" && (storage.path === "/" || path.posix.normalize(storage.path) !== storage.path)) {
    problems.push({
      path: "platform.storage.path",
      message: "must be a folder other than /, written without '.', '..' or doubled '/'",
      value: storage.path,
    });
  }
  return problems;
}
