import type { z } from "zod";
import { distinctProblems, formatPath, type Problem } from "../components/core/problem.ts";
import { describeAllowed } from "./allowed.ts";
import { fieldsOf, type JsonSchema, kindsOf, memberOf, schemaAt, specJsonSchema } from "./json-schema.ts";
import { ruleProblems } from "./rules.ts";
import { type StackSpec, stackSchema } from "./schema.ts";
import { suggestChoice, suggestField } from "./suggest.ts";
import { convert, convertField } from "./units.ts";

export type Validation = { readonly spec: StackSpec } | { readonly problems: readonly Problem[] };

/**
 * Judges the values of `millwright:platform` and `millwright:models`, given as `{platform, models}`. Pure: what needs the
 * disk is judged in `sources.ts`. Returns every problem at once, each once; of a union whose kind is unknown only the kind.
 *
 * @param platform the stack that `platform.cluster.stack` names, as written; see rules.ts
 */
export function validateStack(raw: unknown, platform?: unknown): Validation {
  const parsed = stackSchema.safeParse(raw);
  // One value can break several checks that are explained alike.
  const problems = distinctProblems([
    ...(parsed.error?.issues ?? []).flatMap((issue) => explain(issue, raw)),
    ...ruleProblems(raw, platform),
  ]);
  return parsed.success && problems.length === 0 ? { spec: parsed.data } : { problems };
}

function explain(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  const node = schemaAt(specJsonSchema(), issue.path, raw);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownField(issue.path, key, node, raw));
  }
  const value = issue.path.reduce(memberOf, raw);
  const path = formatPath(issue.path);
  if (node === undefined) {
    return [{ path, message: `${issue.message}.`, value }];
  }
  const field = String(issue.path.findLast((segment) => typeof segment === "string") ?? "stack");
  const allowed = describeAllowed(node, field);
  if (value === undefined) {
    return [{ path, message: `is required: ${allowed}.` }];
  }
  return [{ path, message: sentence(`must be ${allowed}${hint(value, node, field)}`), value }];
}

function hint(value: unknown, node: JsonSchema, field: string): string {
  const isNumber = node.type === "number" || node.type === "integer";
  const converted = isNumber && typeof value === "string" ? convert(value, field) : undefined;
  if (converted !== undefined) {
    return `, not text; write ${converted}`;
  }
  if (typeof value === "string" && kindsOf(node).includes(value)) {
    return `; write {kind: ${value}, ...}`;
  }
  const choice = suggestChoice(value, node);
  return choice === undefined ? "" : `; did you mean "${choice}"?`;
}

function unknownField(
  parent: readonly PropertyKey[],
  key: string,
  node: JsonSchema | undefined,
  raw: unknown,
): Problem {
  const owner = parent.reduce(memberOf, raw);
  const value = memberOf(owner, key);
  const known = fieldsOf(node, owner) ?? {};
  const written = owner !== null && typeof owner === "object" ? Object.keys(owner) : [];
  const suggestion = suggestField(key, known, written);
  const converted = suggestion === undefined ? undefined : convertField(key, value, suggestion);
  const advice =
    suggestion === undefined
      ? `the fields here are ${Object.keys(known).join(", ")}`
      : `did you mean ${suggestion}${converted === undefined ? "" : `: ${converted}`}?`;
  const message = sentence(`is not a known field; ${advice}`);
  return { path: formatPath([...parent, key]), message, ...(value === undefined ? {} : { value }) };
}

function sentence(text: string): string {
  return text.endsWith("?") ? text : `${text}.`;
}
