/** One thing that is wrong with a specification. Validators collect all of them; nothing throws on the first. */
export interface Problem {
  /** Where: a property path from the root of what was validated, e.g. `models[0].training.workers`. */
  readonly path: string;
  /** What is wrong, as a full sentence that names the allowed values. */
  readonly message: string;
  /** The offending value, where there is one. */
  readonly value?: unknown;
  /** The line of the file it was read from, from 1, where it was read from a file. */
  readonly line?: number;
}

/** Characters of an offending value that are shown; a whole model pasted in the wrong place would hide the message. */
const SHOWN_VALUE_LENGTH = 120;

/** Renders problems one a line, in the order of their paths, as users read them. */
export function formatProblems(problems: readonly Problem[]): string {
  return [...problems]
    .sort((a, b) => comparePaths(a.path, b.path))
    .map((problem) => {
      const line = problem.line === undefined ? "" : ` (line ${problem.line})`;
      const value = problem.value === undefined ? "" : ` (found ${showValue(problem.value)})`;
      return `  ${problem.path || "(root)"}${line}: ${problem.message}${value}`;
    })
    .join("\n");
}

/** Renders a property path: `["models", 0, "training"]` is `models[0].training`. */
export function formatPath(segments: readonly PropertyKey[]): string {
  return segments.reduce<string>((path, segment) => {
    if (typeof segment === "number") {
      return `${path}[${segment}]`;
    }
    return path === "" ? String(segment) : `${path}.${String(segment)}`;
  }, "");
}

/** Leaves out problems that say the same of the same place, keeping the first of each. */
export function distinctProblems(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/** `models[2]` before `models[10]`: numbers in a path compare as numbers. */
const comparePaths = new Intl.Collator("en", { numeric: true }).compare;

function showValue(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN_VALUE_LENGTH ? `${text.slice(0, SHOWN_VALUE_LENGTH)}…` : text;
}
