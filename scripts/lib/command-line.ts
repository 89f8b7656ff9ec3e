import path from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { loadStack, StackError, stackNames } from "../../stacks/load.ts";
import type { Stack } from "../../stacks/schema.ts";
import { Failure } from "./failure.ts";

/** The folder of this repository. */
export const REPOSITORY_ROOT = path.join(import.meta.dirname, "../..");

/** Options every command that works on a stack understands. */
export const STACK_OPTIONS = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  "stack-file": { type: "string" },
} as const satisfies ParseArgsConfig["options"];

export const STACK_HELP = `  --stack-file FILE  read the stack from FILE instead of stacks/Pulumi.<stack>.yaml
  --json             print one JSON object on stdout; progress stays on stderr
  --help             this text`;

/** {@link parseArgs}, with what is wrong as a sentence for users. */
export function parseOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Failure(error instanceof Error ? error.message : String(error), "see --help");
  }
}

export interface StackArguments {
  readonly name: string;
  /** Absolute path of the stack file. */
  readonly file: string;
}

/** The stack a command line names. @default local */
export function stackArguments(positionals: readonly string[], stackFile: string | undefined): StackArguments {
  if (positionals.length > 1) {
    throw new Failure(`There are ${positionals.length} stack names: ${positionals.join(", ")}`, "name one stack");
  }
  const name = positionals[0] ?? "local";
  return { name, file: path.resolve(stackFile ?? path.join(REPOSITORY_ROOT, `stacks/Pulumi.${name}.yaml`)) };
}

/** Loads a stack; every problem of the file becomes one Failure, before anything is touched. */
export async function loadStackFile({ name, file }: StackArguments): Promise<Stack> {
  try {
    return await loadStack({ name, file, repositoryRoot: REPOSITORY_ROOT });
  } catch (error) {
    if (error instanceof StackError) {
      const known = (await stackNames(REPOSITORY_ROOT)).join(", ");
      throw new Failure(error.message, `mend ${file} (docs/stack-file.md lists every field; stacks: ${known})`);
    }
    throw error;
  }
}
