import type { JsonObject } from "../values.ts";
import { conditionOf } from "./conditions.ts";
import { compileJsonPath, ExpressionProblem } from "./jsonpath.ts";
import { type Awaiter, type Readiness, ready, waiting } from "./types.ts";

type Test = (object: JsonObject) => Readiness;

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function jsonPathTest(text: string): Test {
  const match = /^(\{.*\}|[^=]+?)(?:=(.*))?$/s.exec(text);
  if (match === null) throw new ExpressionProblem(`jsonpath=${text}: no path`);
  const select = compileJsonPath(match[1] as string);
  const wanted = match[2]?.trim().replace(/^(["'])(.*)\1$/s, "$2");
  return (object) => {
    const found = select(object);
    if (wanted === undefined ? found.length > 0 : found.some((value) => shown(value) === wanted)) return ready;
    const now = found.length === 0 ? "absent" : found.map(shown).join(", ");
    return waiting(`${match[1] as string} is ${now}${wanted === undefined ? "" : `, not ${wanted} yet`}`);
  };
}

function conditionTest(text: string): Test {
  const [type = "", wanted = "True"] = text.split("=").map((part) => part.trim());
  if (type === "") throw new ExpressionProblem("condition=: no condition type");
  return (object) => {
    const condition = conditionOf(object, type);
    if (condition?.status.toLowerCase() === wanted.toLowerCase()) return ready;
    const now = condition === undefined ? "absent" : `${condition.status} ${condition.message}`.trimEnd();
    return waiting(`condition ${type} is ${now}, not ${wanted} yet`);
  };
}

function testOf(expression: unknown): Test {
  if (typeof expression === "string") {
    if (expression.startsWith("jsonpath=")) return jsonPathTest(expression.slice("jsonpath=".length));
    if (expression.startsWith("condition=")) return conditionTest(expression.slice("condition=".length));
  }
  throw new ExpressionProblem(
    `pulumi.com/waitFor: ${JSON.stringify(expression)} is not supported; write "jsonpath={PATH}[=VALUE]", ` +
      '"condition=TYPE[=STATUS]", or a JSON array of them',
  );
}

function expressionsOf(annotation: string): unknown[] {
  if (!annotation.trimStart().startsWith("[")) return [annotation];
  try {
    const parsed: unknown = JSON.parse(annotation);
    if (Array.isArray(parsed) && parsed.length > 0) return parsed;
  } catch {
    // Reported below, in the same words as an empty array.
  }
  throw new ExpressionProblem(`pulumi.com/waitFor: ${annotation} is not a JSON array of at least one expression`);
}

/**
 * The awaiter the `pulumi.com/waitFor` annotation asks for: ready when every expression holds.
 *
 * @throws ExpressionProblem
 */
export function waitForAwaiter(annotation: string): Awaiter {
  const tests = expressionsOf(annotation).map(testOf);
  return {
    timeoutSeconds: 600,
    readiness: (object) => tests.map((test) => test(object)).find((readiness) => readiness.state !== "ready") ?? ready,
  };
}
