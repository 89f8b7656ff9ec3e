import { editDistance, nearest } from "../components/core/spelling.ts";
import { type JsonSchema, kindsOf } from "./json-schema.ts";
import { unitOf } from "./units.ts";

/** A key longer than this is no misspelling, and comparing it would take long. */
const LONGEST_MISSPELLING = 64;

/**
 * The known field a user most likely meant, as a path from the object the unknown one stands in: a sibling that is spelled
 * or meant alike, else a field of that very name one or more levels below, first where the user wrote something.
 */
export function suggestField(
  unknown: string,
  known: Readonly<Record<string, JsonSchema>>,
  written: readonly string[] = [],
): string | undefined {
  if (unknown.length > LONGEST_MISSPELLING) {
    return undefined;
  }
  const siblings = Object.keys(known);
  const sameMeaning = siblings.find((field) => stem(field) === stem(unknown));
  if (sameMeaning !== undefined) {
    return sameMeaning;
  }
  const near = nearest(unknown, siblings);
  if (near !== undefined) {
    return near;
  }
  const order = [...siblings].sort((a, b) => Number(written.includes(b)) - Number(written.includes(a)));
  return fieldBelow(unknown, Object.fromEntries(order.flatMap((field) => [[field, known[field]!]])));
}

function fieldBelow(name: string, fields: Readonly<Record<string, JsonSchema>>): string | undefined {
  for (const [field, node] of Object.entries(fields)) {
    for (const below of [node, ...(node.oneOf ?? [])]) {
      const found = Object.hasOwn(below.properties ?? {}, name) ? name : fieldBelow(name, below.properties ?? {});
      if (found !== undefined) {
        return `${field}.${found}`;
      }
    }
  }
  return undefined;
}

/** A field's name without its unit, so that `memory`, `memoryMiB` and `memoryGiB` are the same. */
function stem(field: string): string {
  const known = unitOf(field)?.suffix;
  const base = known !== undefined && field.endsWith(known) && field !== known ? field.slice(0, -known.length) : field;
  const bare = base.replace(/(Bytes|[KMGT]i?B|[KMGT]i|Ms|Millis|Minutes|Mins?|Hours|Days|Secs?|Sec)$/, "");
  return bare.toLowerCase().replace(/s$/, "");
}

/** The choice a user most likely meant, where there is more than one. */
export function suggestChoice(written: unknown, node: JsonSchema): string | undefined {
  if (typeof written !== "string" || written.length > LONGEST_MISSPELLING) {
    return undefined;
  }
  const choices = node.enum ?? kindsOf(node);
  if (choices.length < 2) {
    return undefined;
  }
  return choices.find(
    (choice) => editDistance(choice.toLowerCase(), written.toLowerCase()) <= Math.max(1, written.length / 3),
  );
}
