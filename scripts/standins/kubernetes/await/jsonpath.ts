import { equal, isObject, type Json } from "../values.ts";

/** Thrown with the expression and what of it is not understood. */
export class ExpressionProblem extends Error {}

type Step =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "each" }
  | { readonly kind: "descend" }
  | { readonly kind: "filter"; readonly steps: readonly Step[]; readonly test: ((value: Json) => boolean) | undefined };

const unquote = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, "$1");

const bracket = /^\[((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\]"'])*)\]/;

function literal(text: string): Json {
  if (/^(".*"|'.*')$/s.test(text)) return unquote(text);
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new ExpressionProblem(`${text} is neither a quoted string nor a number nor a boolean`);
  }
}

function parseBracket(content: string): Step {
  if (content === "*") return { kind: "each" };
  if (/^-?\d+$/.test(content)) return { kind: "index", index: Number(content) };
  if (/^(".*"|'.*')$/s.test(content)) return { kind: "key", key: unquote(content) };
  const filter = /^\?\(\s*@(.*)\)$/s.exec(content);
  if (filter === null) throw new ExpressionProblem(`[${content}] is not understood`);
  const comparison = /^(.*?)\s*(==|!=)\s*(.+?)\s*$/s.exec(filter[1] as string);
  if (comparison === null) return { kind: "filter", steps: parseSteps((filter[1] as string).trim()), test: undefined };
  const wanted = literal(comparison[3] as string);
  const isEqual = comparison[2] === "==";
  return {
    kind: "filter",
    steps: parseSteps(comparison[1] as string),
    test: (value) => equal(value, wanted) === isEqual,
  };
}

function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text;
  while (rest !== "") {
    const inBrackets = bracket.exec(rest);
    const key = /^\.((?:\\.|[^.[\\*<>=!&|~()\s])+)/s.exec(rest);
    const token =
      inBrackets?.[0] ?? key?.[0] ?? (rest.startsWith("..") ? "." : rest.startsWith(".*") ? ".*" : undefined);
    if (token === undefined) throw new ExpressionProblem(`${JSON.stringify(rest)} is not understood`);
    if (inBrackets !== null) steps.push(parseBracket(inBrackets[1] as string));
    else if (key !== null) steps.push({ kind: "key", key: (key[1] as string).replace(/\\(.)/g, "$1") });
    else steps.push(token === "." ? { kind: "descend" } : { kind: "each" });
    rest = rest.slice(token.length);
  }
  return steps;
}

const childrenOf = (value: Json): Json[] =>
  Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
const descendants = (value: Json): Json[] => [value, ...childrenOf(value).flatMap(descendants)];

function apply(values: readonly Json[], step: Step): Json[] {
  switch (step.kind) {
    case "key":
      return values.flatMap((value) =>
        isObject(value) && value[step.key] !== undefined ? [value[step.key] as Json] : [],
      );
    case "index":
      return values.flatMap((value) => {
        const element = Array.isArray(value) ? value.at(step.index) : undefined;
        return element === undefined ? [] : [element];
      });
    case "each":
      return values.flatMap(childrenOf);
    case "descend":
      return values.flatMap(descendants);
    case "filter":
      return values.flatMap(childrenOf).filter((candidate) => {
        const found = step.steps.reduce<Json[]>(apply, [candidate]);
        return step.test === undefined ? found.length > 0 : found.some(step.test);
      });
  }
}

/**
 * The part of kubectl's JSONPath that conditions are written in: fields, `['key']`, indices from either end, `[*]`, `..` and
 * filters by existence, `==` and `!=`; in braces or without.
 *
 * @returns a function from a value to all it selects
 * @throws ExpressionProblem
 */
export function compileJsonPath(expression: string): (value: Json) => Json[] {
  const inner = expression
    .trim()
    .replace(/^\{(.*)\}$/s, "$1")
    .trim()
    .replace(/^\$/, "");
  try {
    const steps = parseSteps(inner.startsWith(".") || inner.startsWith("[") || inner === "" ? inner : `.${inner}`);
    return (value) => steps.reduce<Json[]>(apply, [value]);
  } catch (error) {
    if (error instanceof ExpressionProblem)
      throw new ExpressionProblem(`JSONPath ${JSON.stringify(expression)}: ${error.message}`);
    throw error;
  }
}
