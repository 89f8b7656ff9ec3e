import { equal, isObject, type Json, type JsonObject, plain } from "../lib/values.ts";

export interface PropertyChange {
  /** `build.args.BASE`. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
}

/** Credentials change often and leave the image as it is. */
const IGNORED = new Set(["registry.username", "registry.password"]);

/** Which inputs of an image changed, by path; none of them needs a replacement. */
export function imageChanges(old: JsonObject, fresh: JsonObject): PropertyChange[] {
  return changes(plain(old), plain(fresh), "").filter(({ path }) => !IGNORED.has(path));
}

function changes(old: Json | undefined, fresh: Json | undefined, path: string): PropertyChange[] {
  if (equal(old, fresh)) return [];
  if (isObject(old) && isObject(fresh)) {
    const names = [...new Set([...Object.keys(old), ...Object.keys(fresh)])].sort();
    return names
      .filter((name) => !name.startsWith("__"))
      .flatMap((name) => changes(old[name], fresh[name], path === "" ? name : `${path}.${name}`));
  }
  // An empty object or false is what an omitted field means.
  if (isNothing(old) && isNothing(fresh)) return [];
  const kind = isNothing(old) ? "add" : isNothing(fresh) ? "delete" : "update";
  const object = isObject(old) ? old : isObject(fresh) ? fresh : undefined;
  if (object !== undefined && path === "registry") return changes(old ?? {}, fresh ?? {}, path);
  return [{ path, kind }];
}

function isNothing(value: Json | undefined): boolean {
  return (
    value === undefined || value === null || value === false || (isObject(value) && Object.keys(value).length === 0)
  );
}
