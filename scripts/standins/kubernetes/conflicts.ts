import { type ApiError, conflictsOf, type FieldConflict } from "./apiError.ts";
import { managersOf, ownsField, resolveField } from "./fields.ts";
import { isWithin, type JsonObject, type Path, withoutValue } from "./values.ts";

/** What to do about fields that server-side apply says somebody else owns. */
export interface Resolution {
  /** The object to apply, without ignored fields. */
  readonly object: JsonObject;
  /** Taken back: this resource set them before, and somebody changed them in passing (`kubectl set`, `kubectl edit`). */
  readonly overridden: readonly FieldConflict[];
  /** Not this resource's to take. */
  readonly refused: readonly FieldConflict[];
}

export interface ConflictContext {
  /** What was to be applied. */
  readonly object: JsonObject;
  /** What this resource declared when it was last applied. */
  readonly oldInputs: JsonObject;
  readonly live: JsonObject;
  /** The program's `ignoreChanges`. */
  readonly ignored: readonly Path[];
  /** Whether the object is somebody else's, as that of a patch: then nothing is taken back. */
  readonly isPatch: boolean;
}

/**
 * A field this resource declared before and that another manager *updated* has drifted, and is put back. A field another
 * manager *applies* has two owners who both mean it, and one that was never declared here is somebody else's: both are refused.
 * A patch takes nothing back.
 */
export function resolveConflicts(error: ApiError, context: ConflictContext): Resolution {
  let object = context.object;
  const overridden: FieldConflict[] = [];
  const refused: FieldConflict[] = [];
  for (const conflict of conflictsOf(error)) {
    const declared = resolveField(context.object, conflict.field);
    if (declared !== undefined && context.ignored.some((ignored) => isWithin(declared.path, ignored))) {
      // List positions shift as elements go, so the field is looked up in what is left.
      const current = resolveField(object, conflict.field);
      if (current !== undefined) object = withoutValue(object, current.path);
      continue;
    }
    const wasOurs = resolveField(context.oldInputs, conflict.field) !== undefined;
    const steps = resolveField(context.live, conflict.field)?.tree;
    const isApplied = managersOf(context.live).some(
      (manager) =>
        manager.operation === "Apply" &&
        manager.name === conflict.manager &&
        (steps === undefined || ownsField(manager.fields, steps)),
    );
    (wasOurs && !isApplied && !context.isPatch ? overridden : refused).push(conflict);
  }
  return { object, overridden, refused };
}

const listed = (conflicts: readonly FieldConflict[]): string => {
  const byManager = new Map<string, string[]>();
  for (const { manager, field } of conflicts)
    byManager.set(manager, [...(byManager.get(manager) ?? []), field.replace(/^\./, "")]);
  return [...byManager]
    .map(([manager, fields]) => `${fields.sort().join(", ")} (owned by ${JSON.stringify(manager)})`)
    .join("; ");
};

export const refusalMessage = (conflicts: readonly FieldConflict[]): string =>
  `conflict over ${listed(conflicts)}. Remove the fields from the program to leave them to their owner, add them to ` +
  'ignoreChanges, or take them over with the annotation pulumi.com/patchForce: "true".';

export const overrideMessage = (conflicts: readonly FieldConflict[]): string =>
  `put back what was changed outside the program: ${listed(conflicts)}`;
