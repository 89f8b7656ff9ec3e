import { isUnknown } from "../lib/values.ts";

export { isUnknown, UNKNOWN } from "../lib/values.ts";

/** Plain JSON: what Kubernetes objects and resource properties are made of. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Where a value lies inside another: object keys and array indices. */
export type Path = readonly (string | number)[];

export interface Change {
  readonly path: Path;
  readonly kind: "add" | "update" | "delete";
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function containsUnknown(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(containsUnknown);
  if (isObject(value)) return Object.values(value).some(containsUnknown);
  return isUnknown(value);
}

export function equal(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((element, index) => equal(element, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equal(left[key], right[key]))
  );
}

/** The value at `path`, or undefined where a step does not exist. */
export function at(value: Json | undefined, ...path: Path): Json | undefined {
  let current: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(current) && typeof step === "number") current = current[step];
    else if (isObject(current) && Object.hasOwn(current, step)) current = current[step];
    else return undefined;
  }
  return current;
}

export function textAt(value: Json | undefined, ...path: Path): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: Json | undefined, ...path: Path): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" ? found : undefined;
}

export function objectAt(value: Json | undefined, ...path: Path): JsonObject | undefined {
  const found = at(value, ...path);
  return isObject(found) ? found : undefined;
}

export function listAt(value: Json | undefined, ...path: Path): readonly Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** A copy with `path` set; missing objects on the way are made. */
export function withValue(root: JsonObject, path: Path, value: Json): JsonObject {
  const [head, ...rest] = path;
  if (head === undefined) return root;
  const existing = at(root, head);
  return { ...root, [head]: rest.length === 0 ? value : withValue(isObject(existing) ? existing : {}, rest, value) };
}

/** A copy without the value at `path`; an array element is removed, and what follows it moves up. */
export function withoutValue<T extends Json>(root: T, path: Path): T {
  const [head, ...rest] = path;
  if (head === undefined) return root;
  if (Array.isArray(root)) {
    const copy: Json[] = [...root];
    const index = Number(head);
    const child = copy[index];
    if (child === undefined) return root;
    if (rest.length === 0) copy.splice(index, 1);
    else copy[index] = withoutValue(child, rest);
    return copy as T;
  }
  if (!isObject(root) || !Object.hasOwn(root, head)) return root;
  const { [head]: child, ...others } = root as JsonObject;
  // Not by assignment: a key such as `__proto__` would set what it names, and not be kept as a key.
  return (rest.length === 0 ? others : { ...(root as JsonObject), [head]: withoutValue(child as Json, rest) }) as T;
}

/** Paths that differ, deepest first cause only: an added or removed subtree is one change, at its root. */
export function changesBetween(before: Json | undefined, after: Json | undefined, path: Path = []): Change[] {
  if (equal(before, after)) return [];
  if (before === undefined) return [{ path, kind: "add" }];
  if (after === undefined) return [{ path, kind: "delete" }];
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].sort().flatMap((key) => changesBetween(at(before, key), at(after, key), [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) => changesBetween(before[index], after[index], [...path, index])).flat();
  }
  return [{ path, kind: "update" }];
}

/** Pulumi's property path syntax: `spec.containers[0].image`, `metadata.annotations["pulumi.com/skipAwait"]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/^[^.[\]"]+$/.test(step)) return text === "" ? step : `${text}.${step}`;
    return `${text}["${step.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`;
  }, "");
}

/** Reads Pulumi's property path syntax; `"*"` stands for any key or index. Throws on a path that does not parse. */
export function parsePath(text: string): Path {
  const steps: (string | number)[] = [];
  let rest = text;
  while (rest !== "") {
    const match =
      /^\.?\["((?:[^"\\]|\\.)*)"\]/s.exec(rest) ?? /^\.?\[(\d+|\*)\]/.exec(rest) ?? /^\.?([^.[\]]+)/.exec(rest);
    if (match === null)
      throw new Error(`property path ${JSON.stringify(text)} does not parse at ${JSON.stringify(rest)}`);
    const step = match[1] as string;
    const isIndex = /^\.?\[\d+\]/.test(match[0]);
    // Only what stands in quotes is escaped.
    const isQuoted = /^\.?\["/.test(match[0]);
    steps.push(isIndex ? Number(step) : isQuoted ? step.replace(/\\(.)/gs, "$1") : step);
    rest = rest.slice(match[0].length);
  }
  return steps;
}

/** Whether `path` is `prefix` or lies below it; `"*"` in the prefix matches any step. */
export function isWithin(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => step === "*" || step === path[index]);
}
