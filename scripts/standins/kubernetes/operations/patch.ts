import { type Target, titleOf } from "../objects.ts";
import { type JsonObject, withValue } from "../values.ts";
import { uidOf } from "./write.ts";

/**
 * What a patch applies to an object that somebody else made: its fields, and the uid of the object that was seen. Without the
 * uid, applying to an object that has just gone would make one.
 *
 * @throws Error where the object is not there
 */
export function toPatch(target: Target, fields: JsonObject, live: JsonObject | undefined): JsonObject {
  if (live === undefined) {
    throw new Error(
      `${titleOf(target)} is not there: a patch changes an object that somebody else made. Make it first, or take the patch ` +
        "out of the program.",
    );
  }
  return withValue(fields, ["metadata", "uid"], uidOf(live));
}
