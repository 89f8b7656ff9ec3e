import { setTimeout as sleep } from "node:timers/promises";
import { REPOSITORY_ROOT } from "../../scripts/lib/command-line.ts";
import { runCommand, StackCopy, type StackCopyOptions } from "../../scripts/lib/stack-copy.ts";

export type { CommandResult, StatusReport, UpReport } from "../../scripts/lib/stack-copy.ts";
export { runCommand as run };

export const REPOSITORY = REPOSITORY_ROOT;
export const STACK = "e2e";
export const NAMESPACE = "millwright-e2e";
export const MODEL = "mail-triage";

/** The copy of stack `local` that tests work on: the mail model alone and little of it, so that a test takes no longer than what it proves. */
export class TestStack extends StackCopy {
  constructor({
    models = [MODEL],
    without = ["search", "compression"],
    tracking = false,
  }: Omit<StackCopyOptions, "name"> = {}) {
    super({ name: STACK, models, without, tracking });
  }

  /** Edits a model of the stack file as a user would. @param name the mail model where there is none */
  override edit(change: (model: Record<string, unknown>) => void, name: string = MODEL): void {
    super.edit(change, name);
  }
}

/** Waits until `check` returns something, asking once a second. */
export async function eventually<T>(what: string, seconds: number, check: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await check();
    if (found !== undefined) {
      return found;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${seconds} s in vain for ${what}`);
    }
    await sleep(1000);
  }
}
