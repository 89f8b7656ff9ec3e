import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { formatProblems, type Problem } from "../components/core/problem.ts";
import { missingContent, resolveContent } from "./content.ts";
import { fromConfig, fromYaml, type RawStack } from "./file.ts";
import { memberOf } from "./json-schema.ts";
import { UnknownPlatform } from "./platform-rules.ts";
import { type Stack, type StackSpec, stackSchema } from "./schema.ts";
import { sourceProblems } from "./sources.ts";
import { type Validation, validateStack } from "./validate.ts";

/** Everything that is wrong with a stack, found before anything was touched. */
export class StackError extends Error {
  override readonly name = "StackError";
  readonly problems: readonly Problem[];

  constructor(where: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`${where} has ${count}; nothing was changed:\n${formatProblems(problems)}`);
    this.problems = problems;
  }
}

export interface LoadOptions {
  /** The Pulumi stack's name, e.g. `local`. */
  readonly name: string;
  /** Absolute path of this repository. */
  readonly repositoryRoot: string;
  /** The stack file. @default `stacks/Pulumi.<name>.yaml` of the repository */
  readonly file?: string;
  /** Configuration as Pulumi's engine gives it (`pulumi.runtime.allConfig()`), read in place of the file. */
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * Reads, validates and completes a stack. Reads the disk only: no cluster is asked anything.
 *
 * @throws StackError with every problem at once.
 */
export async function loadStack(options: LoadOptions): Promise<Stack> {
  const { name, repositoryRoot, config } = options;
  const file = options.file ?? join(stacksFolder(repositoryRoot), `Pulumi.${name}.yaml`);
  const where = config === undefined ? shownPath(file, repositoryRoot) : `The configuration of stack ${name}`;
  const source = config === undefined ? fromYaml(await readStackFile(file, options)) : fromConfig(config);

  const platform = await readPlatform(source.raw, dirname(file));
  const validation = validateStack(source.raw, platform?.raw);
  const platformValidation =
    platform === undefined || platform.raw instanceof UnknownPlatform ? undefined : validateStack(platform.raw);
  const ownProblems = isUnreadable(source)
    ? []
    : [
        ...("problems" in validation ? validation.problems : []),
        ...ofPlatform(platform?.name, platformValidation),
        ...(await sourceProblems(source.raw, repositoryRoot)),
      ].map((problem) => withLine(problem, source));
  const missing = await missingContent(repositoryRoot);
  const isEks = ["platform", "cluster", "kind"].reduce(memberOf, source.raw) === "eks";
  const guests = isEks ? await readGuests(name, dirname(file)) : [];
  const problems = [...source.problems, ...ownProblems, ...missing];
  if (problems.length > 0 || "problems" in validation) {
    throw new StackError(where, problems);
  }
  return {
    name,
    ...validation.spec,
    content: await resolveContent(validation.spec, repositoryRoot),
    ...(guests.length === 0 ? {} : { guests }),
    ...(platform === undefined || platformValidation === undefined || "problems" in platformValidation
      ? {}
      : { platformStack: { name: platform.name, ...platformValidation.spec } }),
  };
}

/** What is wrong with the other stack is mended in its own file; here it is one problem. */
function ofPlatform(name: string | undefined, validation: Validation | undefined): Problem[] {
  if (validation === undefined || "spec" in validation) {
    return [];
  }
  const { problems } = validation;
  const found = `its file has ${problems.length} of its own, the first at ${problems[0]?.path}: ${problems[0]?.message}`;
  const value = name === undefined ? {} : { value: name };
  return [{ path: "platform.cluster.stack", message: `must be a stack without problems; ${found}`, ...value }];
}

/**
 * What the stacks on this one's cluster ask of it: what they run decides which add-ons it needs. One whose file has problems is
 * left out, since it cannot be brought up either.
 */
async function readGuests(name: string, folder: string): Promise<Pick<StackSpec, "endpoints" | "models">[]> {
  const guests: Pick<StackSpec, "endpoints" | "models">[] = [];
  for (const other of await stackNamesIn(folder)) {
    const raw = await readRaw(folder, other);
    if (other !== name && ["platform", "cluster", "stack"].reduce(memberOf, raw) === name) {
      const parsed = stackSchema.safeParse(raw);
      if (parsed.success) {
        guests.push({ endpoints: parsed.data.endpoints, models: parsed.data.models });
      }
    }
  }
  return guests;
}

/** The names of the stacks that have a file, sorted. */
export function stackNames(repositoryRoot: string): Promise<string[]> {
  return stackNamesIn(stacksFolder(repositoryRoot));
}

async function stackNamesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []).sort();
}

/** The values of a stack whose file is known to be there. */
async function readRaw(folder: string, name: string): Promise<unknown> {
  return fromYaml(await readFile(join(folder, `Pulumi.${name}.yaml`), "utf8")).raw;
}

function stacksFolder(repositoryRoot: string): string {
  return join(repositoryRoot, "stacks");
}

function shownPath(file: string, repositoryRoot: string): string {
  const path = relative(repositoryRoot, file);
  return path.startsWith("..") ? file : path;
}

async function readStackFile(file: string, { name, repositoryRoot }: LoadOptions): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const known = (await stackNames(repositoryRoot)).join(", ");
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const reason = missing
      ? "does not exist"
      : `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new StackError(`Stack ${name}`, [
      { path: shownPath(file, repositoryRoot), message: `${reason}; the stacks that exist are ${known}.` },
    ]);
  }
}

/**
 * The values of the stack that this one stands on, as its file beside this one has them: so whatever a stack of models asks
 * of its cluster is refused before anything is called. Undefined where the stack names none, or where there is nothing to
 * read; a name without a file is the rules' to refuse.
 */
async function readPlatform(raw: unknown, folder: string): Promise<{ name: string; raw: unknown } | undefined> {
  const name = ["platform", "cluster", "stack"].reduce(memberOf, raw);
  if (typeof name !== "string" || ["platform", "cluster", "kind"].reduce(memberOf, raw) !== "platform") {
    return undefined;
  }
  const known = await stackNamesIn(folder);
  return {
    name,
    raw: known.includes(name) ? await readRaw(folder, name) : new UnknownPlatform(known),
  };
}

/** A file that is no YAML has that one problem, not also one for everything that could not be found in it. */
function isUnreadable(source: RawStack): boolean {
  return source.lineOf === undefined && source.problems.length > 0;
}

function withLine(problem: Problem, source: RawStack): Problem {
  const line = source.lineOf?.(problem.path);
  return line === undefined ? problem : { ...problem, line };
}
