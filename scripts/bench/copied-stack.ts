import { Failure } from "../lib/failure.ts";
import type { Report } from "../lib/report.ts";
import type { StackCopy } from "../lib/stack-copy.ts";

/** Does something with a copy of the stack and removes it, whatever came of it. */
export async function withStackCopy<T>(
  stack: StackCopy,
  report: Report,
  work: (stack: StackCopy) => Promise<T>,
): Promise<T> {
  try {
    return await work(stack);
  } finally {
    await report.step("remove the copy of the stack", async () => {
      const { code, stderr, stdout } = await stack.destroy();
      if (code !== 0) {
        throw new Failure(
          `The copy of the stack could not be removed: ${(stderr + stdout).slice(-1000)}`,
          "npm run down -- --purge removes it with everything else",
        );
      }
    });
  }
}
