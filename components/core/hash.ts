import { createHash } from "node:crypto";

/** Length of the short hashes that appear in names: 40 bits, safe for the thousands of runs one namespace ever sees. */
export const SHORT_HASH_LENGTH = 10;

/** JSON with sorted keys, so that equal values always have equal text. `undefined` members are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member === null || typeof member !== "object" || Array.isArray(member)) {
      return member;
    }
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** SHA-256 of the canonical JSON of a value, in lower-case hexadecimal. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

/** The first characters of {@link hashOf}, for names. */
export function shortHash(value: unknown): string {
  return hashOf(value).slice(0, SHORT_HASH_LENGTH);
}
