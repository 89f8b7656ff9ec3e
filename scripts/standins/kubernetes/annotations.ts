import { type JsonObject, textAt } from "./values.ts";

/** Annotations that steer this provider, as documented for the official plugin. */
export const annotations = {
  autonamed: "pulumi.com/autonamed",
  skipAwait: "pulumi.com/skipAwait",
  waitFor: "pulumi.com/waitFor",
  timeoutSeconds: "pulumi.com/timeoutSeconds",
  patchForce: "pulumi.com/patchForce",
  patchFieldManager: "pulumi.com/patchFieldManager",
  deletionPropagationPolicy: "pulumi.com/deletionPropagationPolicy",
  replaceUnready: "pulumi.com/replaceUnready",
} as const;

export type Annotation = (typeof annotations)[keyof typeof annotations];

export const annotationOf = (object: JsonObject, name: Annotation): string | undefined =>
  textAt(object, "metadata", "annotations", name);

export const isAnnotated = (object: JsonObject, name: Annotation): boolean => annotationOf(object, name) === "true";

/**
 * How long an operation may take, in milliseconds.
 *
 * @param requestSeconds the resource's `customTimeouts`, 0 when unset; it beats the annotation
 * @param defaultSeconds used when neither says
 */
export function timeoutMillis(object: JsonObject, requestSeconds: number, defaultSeconds: number): number {
  if (requestSeconds > 0) return requestSeconds * 1000;
  const annotated = Number(annotationOf(object, annotations.timeoutSeconds));
  return (Number.isFinite(annotated) && annotated > 0 ? annotated : defaultSeconds) * 1000;
}

/** What becomes of dependents: the API server's `propagationPolicy`. @default Foreground */
export function propagationPolicy(object: JsonObject): "Foreground" | "Background" | "Orphan" {
  switch (annotationOf(object, annotations.deletionPropagationPolicy)?.toLowerCase()) {
    case "background":
      return "Background";
    case "orphan":
      return "Orphan";
    default:
      return "Foreground";
  }
}
