import { childFields, elementFields, type FieldTree, isKeyed, isSet, mergeKeys } from "./fields.ts";
import { equal, isObject, type Json, type JsonObject } from "./values.ts";

/**
 * The live object seen through what the program declared: the same shape, with the live value wherever it differs.
 *
 * The API server normalises what it stores (`1000m` becomes `1`) and fills in defaults, so live and declared values cannot be
 * compared directly. `reference` is the stored form of the declared values: what the server answered when they were last
 * applied (refresh), or what it answers to a dry run (diff). Where live equals it nothing drifted and the declared spelling is
 * kept. Fields the program does not declare never appear.
 *
 * @param fields who manages what in the live object; tells how lists are merged
 * @returns undefined where a declared value is gone
 */
export function project(
  declared: Json,
  live: Json | undefined,
  reference: Json | undefined,
  fields: FieldTree | undefined,
): Json | undefined {
  if (live === undefined) return reference === undefined ? declared : undefined;
  if (isObject(declared) && isObject(live))
    return projectObject(declared, live, isObject(reference) ? reference : {}, fields);
  if (Array.isArray(declared) && Array.isArray(live)) {
    return projectList(declared, live, Array.isArray(reference) ? reference : undefined, fields);
  }
  return equal(live, reference) ? declared : live;
}

function projectObject(
  declared: JsonObject,
  live: JsonObject,
  reference: JsonObject,
  fields: FieldTree | undefined,
): JsonObject {
  const result: JsonObject = {};
  for (const [key, child] of Object.entries(declared)) {
    const projected = project(child, live[key], reference[key], childFields(fields, key));
    if (projected !== undefined) result[key] = projected;
  }
  return result;
}

function projectList(
  declared: readonly Json[],
  live: readonly Json[],
  reference: readonly Json[] | undefined,
  fields: FieldTree | undefined,
): Json[] {
  const keys = mergeKeys(fields) ?? namedByName(declared, live);
  if (keys !== undefined) {
    return declared.flatMap((element) => {
      const wanted = keysOf(element, keys);
      const find = (list: readonly Json[] | undefined) => list?.find((candidate) => isKeyed(candidate, wanted));
      const projected = project(element, find(live), find(reference), elementFields(fields, element));
      return projected === undefined ? [] : [projected];
    });
  }
  if (reference !== undefined && equal([...live], [...reference])) return [...declared];
  if (isSet(fields)) {
    const has = (list: readonly Json[] | undefined, element: Json) =>
      list?.some((other) => equal(other, element)) ?? false;
    return declared.filter((element) => has(live, element) || !has(reference, element));
  }
  if (declared.length !== live.length) return [...live];
  return declared.map((element, index) => project(element, live[index], reference?.[index], undefined) as Json);
}

function keysOf(element: Json, names: readonly string[]): JsonObject {
  const keys: JsonObject = {};
  if (isObject(element)) {
    for (const name of names) {
      const value = element[name];
      if (value !== undefined) keys[name] = value;
    }
  }
  return keys;
}

/** Where nobody says how a list is merged: elements that all have distinct names are told apart by them. */
function namedByName(declared: readonly Json[], live: readonly Json[]): readonly string[] | undefined {
  const named = (list: readonly Json[]) =>
    list.every((element) => isObject(element) && typeof element["name"] === "string") &&
    new Set(list.map((element) => (isObject(element) ? element["name"] : undefined))).size === list.length;
  return declared.length > 0 && named(declared) && named(live) ? ["name"] : undefined;
}

/** What the API server writes into every object and no program declares. */
const serverMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** The part of a live object a program could have declared; what an import starts from. */
export function declarable(live: JsonObject): JsonObject {
  const { status: _status, ...rest } = live;
  const metadata: JsonObject = isObject(rest["metadata"]) ? { ...rest["metadata"] } : {};
  for (const key of serverMetadata) delete metadata[key];
  return { ...rest, metadata };
}
