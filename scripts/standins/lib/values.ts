import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";

/** The key that marks an object as one of Pulumi's special values, and the special values' names. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** What an unknown value looks like on the wire, by the type it will have. */
const UNKNOWNS: ReadonlySet<string> = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isUnknown(value: Json | undefined): boolean {
  return typeof value === "string" && UNKNOWNS.has(value);
}

/** Whether a value, or anything in it, will only be known after something else is created. */
export function hasUnknown(value: Json | undefined): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some((item: Json) => hasUnknown(item));
  if (isObject(value)) {
    if (value[SIGNATURE] === OUTPUT && !("value" in value)) return true;
    return Object.values(value).some(hasUnknown);
  }
  return false;
}

export function secret(value: Json): JsonObject {
  return { [SIGNATURE]: SECRET, value };
}

function isSecret(value: JsonObject): boolean {
  return value[SIGNATURE] === SECRET || (value[SIGNATURE] === OUTPUT && value.secret === true);
}

/** The value without the wrappers of secrets and outputs; unknown values stay what they are on the wire. */
export function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => plain(item));
  if (!isObject(value)) return value;
  const signature = value[SIGNATURE];
  if (signature === SECRET) return plain(value.value ?? null);
  if (signature === OUTPUT) return "value" in value ? plain(value.value ?? null) : UNKNOWN;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Every secret string in a value, to keep them out of logs and messages. */
export function secretStrings(value: Json, within = false): string[] {
  if (typeof value === "string") return within && value !== "" && !isUnknown(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item: Json) => secretStrings(item, within));
  if (isObject(value)) {
    const inside = within || isSecret(value);
    return Object.entries(value).flatMap(([key, item]) => (key === SIGNATURE ? [] : secretStrings(item, inside)));
  }
  return [];
}

/** Structural equality; the order of keys carries no meaning. */
export function equal(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item: Json, index) => equal(item, right[index]));
  }
  if (isObject(left) && isObject(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].every((key) => equal(left[key], right[key]));
  }
  return false;
}

/** Reads a protobuf Struct's plain form as JSON. */
export function fromStruct(value: { [key: string]: JavaScriptValue } | undefined): JsonObject {
  return (value ?? {}) as JsonObject;
}

/** JSON as protobuf's Struct takes it. */
export function toStruct(value: JsonObject): { [key: string]: JavaScriptValue } {
  return value as { [key: string]: JavaScriptValue };
}
