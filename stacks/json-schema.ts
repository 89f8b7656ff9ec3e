import { z } from "zod";
import { stackSchema } from "./schema.ts";

/** The part of JSON Schema that the stack's schema uses, plus our `allowed`. */
export interface JsonSchema {
  /** Several where a value may be of any of them. */
  readonly type?: string | readonly string[];
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly oneOf?: readonly JsonSchema[];
  /** What each member of a map is, where its names are the user's. */
  readonly additionalProperties?: boolean | JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly default?: unknown;
  readonly description?: string;
  /** What a pattern asks for, in words that complete "must be ...". */
  readonly allowed?: string;
  /** A word that stands for an object of this kind. */
  readonly shorthand?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
}

/** The name of the field that tells the kinds of a union apart. */
export const DISCRIMINATOR = "kind";

let cached: JsonSchema | undefined;

/** The schema of `{platform, models}` as a user writes them: fields with a default may be left out. */
export function specJsonSchema(): JsonSchema {
  cached ??= z.toJSONSchema(stackSchema, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema }) => {
      // The largest integer is the absence of a limit, not one.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (typeof jsonSchema["shorthand"] === "string" && jsonSchema.oneOf !== undefined) {
        jsonSchema.oneOf = [{ type: "string", const: jsonSchema["shorthand"] }, ...jsonSchema.oneOf];
        delete jsonSchema["shorthand"];
      }
    },
  }) as JsonSchema;
  return cached;
}

/** What the schema says of the place a path leads to, choosing the kinds of unions by the value on the way. */
export function schemaAt(root: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema | undefined {
  let node: JsonSchema | undefined = root;
  let current = value;
  for (const segment of path) {
    node =
      typeof segment === "number"
        ? node?.items
        : (fieldsOf(node, current)?.[String(segment)] ?? memberSchema(node?.additionalProperties));
    current = memberOf(current, segment);
  }
  return node;
}

function memberSchema(additional: JsonSchema["additionalProperties"]): JsonSchema | undefined {
  return typeof additional === "object" ? additional : undefined;
}

/** The fields an object may have here. Of a union, those of the kind the value names, or `kind` alone where it names none. */
export function fieldsOf(
  node: JsonSchema | undefined,
  value: unknown,
): Readonly<Record<string, JsonSchema>> | undefined {
  if (node?.oneOf === undefined) {
    return node?.properties;
  }
  const kind = memberOf(value, DISCRIMINATOR);
  const variant = node.oneOf.find((candidate) => candidate.properties?.[DISCRIMINATOR]?.const === kind);
  return variant?.properties ?? { [DISCRIMINATOR]: { type: "string", enum: kindsOf(node) } };
}

/** The kinds a union offers. */
export function kindsOf(union: JsonSchema): string[] {
  return (union.oneOf ?? []).flatMap((variant) => variant.properties?.[DISCRIMINATOR]?.const ?? []);
}

/** A member of what may or may not be an object or a list. */
export function memberOf(value: unknown, key: PropertyKey): unknown {
  return value !== null && typeof value === "object" && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}
