import { isObject, type Json, type JsonObject, listAt, numberAt, textAt } from "../values.ts";

export interface Condition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export function conditionOf(object: Json | undefined, type: string): Condition | undefined {
  const found = listAt(object, "status", "conditions").find((condition) => textAt(condition, "type") === type);
  if (!isObject(found)) return undefined;
  return {
    status: textAt(found, "status") ?? "",
    reason: textAt(found, "reason") ?? "",
    message: textAt(found, "message") ?? "",
  };
}

/** Whether the controller has seen the object's last change; before that its status speaks of an older one. */
export const isObserved = (object: JsonObject): boolean =>
  (numberAt(object, "status", "observedGeneration") ?? 0) >= (numberAt(object, "metadata", "generation") ?? 0);

export const nameOf = (object: Json): string => textAt(object, "metadata", "name") ?? "";

export const isDeleting = (object: Json): boolean => textAt(object, "metadata", "deletionTimestamp") !== undefined;

/** `matchLabels` and `matchExpressions` in the form the API takes in a query. */
export function selectorText(selector: Json | undefined): string {
  const labels = isObject(selector) && isObject(selector["matchLabels"]) ? selector["matchLabels"] : {};
  const expressions = listAt(selector, "matchExpressions").map((expression) => {
    const key = textAt(expression, "key") ?? "";
    const values = listAt(expression, "values").join(",");
    switch (textAt(expression, "operator")) {
      case "In":
        return `${key} in (${values})`;
      case "NotIn":
        return `${key} notin (${values})`;
      case "DoesNotExist":
        return `!${key}`;
      default:
        return key;
    }
  });
  return [...Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`), ...expressions].join(",");
}
