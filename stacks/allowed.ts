import { type JsonSchema, kindsOf } from "./json-schema.ts";
import { unitOf } from "./units.ts";

/**
 * What may stand at a place, in words that complete "must be ...": the same in error messages and in the reference.
 * `field` is the field's own name, which tells the unit.
 */
export function describeAllowed(node: JsonSchema, field: string): string {
  if (node.allowed !== undefined) {
    return node.allowed;
  }
  const choices = node.enum ?? (node.const === undefined ? undefined : [node.const]);
  if (choices !== undefined) {
    return oneOf(choices);
  }
  if (node.oneOf !== undefined) {
    return `an object whose kind is ${oneOf(kindsOf(node))}`;
  }
  if (typeof node.type === "object") {
    return node.type.map((type) => describeAllowed({ ...node, type }, field)).join(" or ");
  }
  switch (node.type) {
    case "boolean":
      return "true or false";
    case "integer":
    case "number":
      return `${node.type === "integer" ? "a whole number" : "a number"}${unitPhrase(field)}${range(node)}`;
    case "string":
      return (node.minLength ?? 0) > 0 ? "text that is not empty" : "text";
    case "array":
      return `a list${(node.minItems ?? 0) > 0 ? ` of at least ${node.minItems}` : ""}`;
    case "object":
      if (typeof node.additionalProperties === "object") {
        return `an object whose values are each ${describeAllowed(node.additionalProperties, field)}`;
      }
      return `an object with the fields ${Object.keys(node.properties ?? {}).join(", ")}`;
    default:
      throw new Error(`the stack schema uses a type that has no words yet: ${JSON.stringify(node)}`);
  }
}

function oneOf(choices: readonly string[]): string {
  const quoted = choices.map((choice) => `"${choice}"`);
  return quoted.length === 1 ? quoted.join() : `one of ${quoted.join(", ")}`;
}

function unitPhrase(field: string): string {
  const unit = unitOf(field);
  return unit === undefined ? "" : ` of ${unit.plural}`;
}

function range(node: JsonSchema): string {
  // Of whole numbers, "above 0" is read faster as "from 1".
  const from =
    node.type === "integer" && node.exclusiveMinimum !== undefined ? node.exclusiveMinimum + 1 : node.minimum;
  const low =
    from !== undefined ? `from ${from}` : node.exclusiveMinimum !== undefined ? `above ${node.exclusiveMinimum}` : "";
  if (low.startsWith("from") && node.maximum !== undefined) {
    return ` ${low} to ${node.maximum}`;
  }
  const high =
    node.maximum !== undefined
      ? `up to ${node.maximum}`
      : node.exclusiveMaximum !== undefined
        ? `below ${node.exclusiveMaximum}`
        : "";
  return [low, high]
    .filter((part) => part !== "")
    .map((part, index) => (index === 0 ? ` ${part}` : ` and ${part}`))
    .join("");
}
