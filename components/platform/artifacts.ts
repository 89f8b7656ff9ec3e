import type { Problem } from "../core/problem.ts";

/** An artifact's path comes from a record in the cluster and becomes a mount: it must not leave the store. */
export function validateArtifactPath(path: string, value: string): Problem[] {
  const segments = value.split("/");
  if (segments.every((segment) => segment !== "" && segment !== "." && segment !== "..")) {
    return [];
  }
  return [{ path, message: "must be a relative path below the artifact store, without '.' and '..'", value }];
}
