import { annotations, isAnnotated } from "./annotations.ts";
import { mustDeleteFirst } from "./immutability.ts";
import { type Change, changesBetween, formatPath, type JsonObject, type Path } from "./values.ts";

export type ChangeKind = "add" | "delete" | "update" | "add-replace" | "delete-replace" | "update-replace";

/** What changes between the program's new inputs and what is, and whether it can change in place. */
export interface Diff {
  readonly detailed: ReadonlyMap<string, ChangeKind>;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

export const noDiff: Diff = { detailed: new Map(), replaces: [], deleteBeforeReplace: false };

/**
 * The changes of the program, and those somebody else made to what the program declares.
 *
 * @param drifted the live object in the shape of the new inputs (see `project`); undefined if nobody looked
 */
export function allChanges(oldInputs: JsonObject, newInputs: JsonObject, drifted: JsonObject | undefined): Change[] {
  const changes = changesBetween(oldInputs, newInputs);
  const known = new Set(changes.map((change) => formatPath(change.path)));
  const drift = drifted === undefined ? [] : changesBetween(drifted, newInputs);
  return [...changes, ...drift.filter((change) => !known.has(formatPath(change.path)))];
}

/** @param replacing changed paths that need a new object */
export function describe(
  changes: readonly Change[],
  replacing: readonly Path[],
  oldInputs: JsonObject,
  newInputs: JsonObject,
): Diff {
  const replaces = [...new Set(replacing.map(formatPath))];
  const detailed = new Map<string, ChangeKind>();
  for (const { path, kind } of changes) detailed.set(formatPath(path), kind);
  for (const path of replaces) detailed.set(path, `${baseKind(detailed.get(path))}-replace`);
  return {
    detailed,
    replaces,
    deleteBeforeReplace:
      replaces.length > 0 && mustDeleteFirst(oldInputs, newInputs, isAnnotated(newInputs, annotations.autonamed)),
  };
}

const baseKind = (kind: ChangeKind | undefined): "add" | "delete" | "update" =>
  kind === "add" || kind === "delete" ? kind : "update";
