/** One thing that is wrong with a specification. Validators collect all of them; nothing throws on the first. */
export interface Problem {
  /** Where: a property path from the root of what was validated, e.g. `models[0].training.workers`. */
  readonly path: string;
  /** What is wrong, as a full sentence that names the allowed values. */
  readonly message: string;
  /** The offending value, where there is one. */
  readonly value?: unknown;
}

/** Renders problems one a line, sorted by path, as users read them. */
export function formatProblems(problems: readonly Problem[]): string {
  return [...problems]
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map((problem) => {
      const value = problem.value === undefined ? "" : ` (found ${JSON.stringify(problem.value)})`;
      return `  ${problem.path || "(root)"}: ${problem.message}${value}`;
    })
    .join("\n");
}
