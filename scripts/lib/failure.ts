import { constants } from "node:os";
import { interruption } from "./interrupts.ts";

/**
 * What a user sees when something is wrong with the machine, the input or the environment: one sentence that names the
 * place and the value, and what to do about it. Anything else that is thrown is a fault of ours and keeps its stack.
 */
export class Failure extends Error {
  /** What to do, as an imperative without a full stop. */
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Failure";
    this.remedy = remedy;
  }
}

/** How an error is shown: a Failure as sentence and remedy, anything else with its stack. */
export function describeError(error: unknown): string {
  if (error instanceof Failure) {
    return `${error.message.replace(/\.$/, "")}.\nWhat to do: ${error.remedy.replace(/\.$/, "")}.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Runs a command's main function, prints what it throws to stderr and ends the process with its exit code
 * (1 for anything thrown, 128 + the signal's number when a signal was why), after what was written to stdout has left the process.
 */
export async function runMain(main: () => Promise<number>): Promise<never> {
  let code: number;
  try {
    code = await main();
  } catch (error) {
    const signal = interruption();
    process.stderr.write(signal === undefined ? `${describeError(error)}\n` : `Interrupted by ${signal}.\n`);
    code = signal === undefined ? 1 : 128 + constants.signals[signal];
  }
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
  process.exit(code);
}
