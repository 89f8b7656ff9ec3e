import { equal, isObject, type Json, type JsonObject, listAt, objectAt, type Path, textAt } from "./values.ts";

/** The API server's `fieldsV1`: keys are `f:NAME`, `k:{"key":"value"}`, `v:VALUE` and `.`. */
export type FieldTree = JsonObject;

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly subresource: string;
  readonly fields: FieldTree;
}

export function managersOf(live: JsonObject): Manager[] {
  return listAt(live, "metadata", "managedFields").map((entry) => ({
    name: textAt(entry, "manager") ?? "",
    operation: textAt(entry, "operation") === "Apply" ? "Apply" : "Update",
    subresource: textAt(entry, "subresource") ?? "",
    fields: objectAt(entry, "fieldsV1") ?? {},
  }));
}

function mergeTrees(left: FieldTree, right: FieldTree): FieldTree {
  const merged: FieldTree = { ...left };
  for (const [key, child] of Object.entries(right)) {
    const existing = merged[key];
    merged[key] = isObject(existing) && isObject(child) ? mergeTrees(existing, child) : child;
  }
  return merged;
}

/** Every field anybody manages: it tells which lists are merged by which keys, without the API's schema. */
export const allFields = (live: JsonObject): FieldTree =>
  managersOf(live).reduce<FieldTree>((tree, manager) => mergeTrees(tree, manager.fields), {});

export const childFields = (tree: FieldTree | undefined, key: string): FieldTree | undefined =>
  objectAt(tree, `f:${key}`);

/** The names of the keys a list's elements are merged by; undefined if it is not such a list or nobody says so. */
export function mergeKeys(tree: FieldTree | undefined): readonly string[] | undefined {
  const entry = Object.keys(tree ?? {}).find((key) => key.startsWith("k:"));
  return entry === undefined ? undefined : Object.keys(JSON.parse(entry.slice(2)) as object);
}

export const isSet = (tree: FieldTree | undefined): boolean =>
  Object.keys(tree ?? {}).some((key) => key.startsWith("v:"));

/** The fields of the list element with these keys. */
export function elementFields(tree: FieldTree | undefined, element: Json): FieldTree | undefined {
  if (tree === undefined || !isObject(element)) return undefined;
  const match = Object.entries(tree).find(
    ([key]) => key.startsWith("k:") && isKeyed(element, JSON.parse(key.slice(2)) as JsonObject),
  );
  return match !== undefined && isObject(match[1]) ? match[1] : undefined;
}

/** Keys an element does not spell out may have been defaulted by the API server, so they match anything. */
export const isKeyed = (element: Json, keys: JsonObject): boolean =>
  isObject(element) &&
  Object.keys(keys).some((name) => element[name] !== undefined) &&
  Object.entries(keys).every(([name, value]) => element[name] === undefined || equal(element[name], value));

/** A step of the API server's field path: `.name`, `[key="value"]`, `[="value"]` or `[0]`. */
interface Resolution {
  readonly path: Path;
  /** The keys of `fieldsV1` that lead to the field. */
  readonly tree: readonly string[];
}

function parseSelector(text: string): JsonObject | Json {
  if (/^\d+$/.test(text)) return Number(text);
  if (text.startsWith("=")) return [JSON.parse(text.slice(1)) as Json];
  const keys: JsonObject = {};
  for (const match of text.matchAll(/([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]+)/g)) {
    keys[match[1] as string] = JSON.parse(match[2] as string) as Json;
  }
  return keys;
}

/** End of the selector that starts at `[`; brackets inside quotes do not end it. */
function selectorEnd(text: string): number {
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === '"') quoted = !quoted;
    else if (text[index] === "]" && !quoted) return index;
  }
  return text.length;
}

/**
 * Finds a field the API server named, such as `.spec.containers[name="web"].image`, inside an object. Map keys are not quoted
 * there and may hold dots, so the object itself decides where a key ends.
 */
export function resolveField(object: Json, field: string): Resolution | undefined {
  if (field === "") return { path: [], tree: [] };
  if (field.startsWith("[")) {
    const end = selectorEnd(field);
    const selector = parseSelector(field.slice(1, end));
    if (!Array.isArray(object)) return undefined;
    const index =
      typeof selector === "number"
        ? selector
        : Array.isArray(selector)
          ? object.findIndex((element) => equal(element, selector[0]))
          : object.findIndex((element) => isObject(selector) && isKeyed(element, selector));
    const child = object[index];
    if (child === undefined) return undefined;
    const rest = resolveField(child, field.slice(end + 1));
    const step = Array.isArray(selector) ? `v:${JSON.stringify(selector[0])}` : `k:${JSON.stringify(selector)}`;
    return rest && { path: [index, ...rest.path], tree: [step, ...rest.tree] };
  }
  if (!isObject(object)) return undefined;
  const text = field.replace(/^\./, "");
  const candidates = Object.keys(object)
    .filter((key) => text.startsWith(key) && /^($|\.|\[)/.test(text.slice(key.length)))
    .sort((left, right) => right.length - left.length);
  for (const key of candidates) {
    const rest = resolveField(object[key] as Json, text.slice(key.length));
    if (rest !== undefined) return { path: [key, ...rest.path], tree: [`f:${key}`, ...rest.tree] };
  }
  return undefined;
}

/** Whether `tree` holds the field that `steps` (keys of `fieldsV1`) lead to. */
export function ownsField(tree: FieldTree, steps: readonly string[]): boolean {
  let current: Json | undefined = tree;
  for (const step of steps) {
    if (!isObject(current)) return false;
    const children: JsonObject = current;
    const direct: Json | undefined = children[step];
    if (direct !== undefined || !step.startsWith("k:")) {
      current = direct;
    } else {
      const wanted = JSON.parse(step.slice(2)) as Json;
      const key = Object.keys(children).find(
        (name) => name.startsWith("k:") && equal(JSON.parse(name.slice(2)) as Json, wanted),
      );
      current = key === undefined ? undefined : children[key];
    }
  }
  return current !== undefined;
}
