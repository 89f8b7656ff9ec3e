import type { Problem } from "../core/problem.ts";

/** An artifact's path comes from a record in the cluster and becomes a mount: it must not leave the store. */
export function validateArtifactPath(path: string, value: string): Problem[] {
  const segments = value.split("/");
  if (segments.every((segment) => segment !== "" && segment !== "." && segment !== "..")) {
    return [];
  }
  return [{ path, message: "must be a relative path below the artifact store, without '.' and '..'", value }];
}

/** Folder of the artifact store in which a model's servers keep what they are asked, and the labels people send. */
export function capturedFolder(model: string): string {
  return `captured/${model}`;
}

/** Where a container finds it. */
export const CAPTURED_FOLDER = "/millwright/captured";
