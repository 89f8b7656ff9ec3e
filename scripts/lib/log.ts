import { closeSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import path from "node:path";

/** How much of a command's output is kept for its error message. */
export const TAIL_BYTES = 64 * 1024;
const TAIL_LINES = 25;

/** Opens a log file for appending, with the folders above it. */
export function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  return openSync(file, "a");
}

/** The last lines of a text, without blank ones at its end. */
export function lastLines(text: string, count: number = TAIL_LINES): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/** The end of a file that may be large, from `offset` on at the earliest; empty if there is no such file. */
export function tailOf(file: string, { count = TAIL_LINES, offset = 0 } = {}): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return "";
    }
    throw error;
  }
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(offset, size - TAIL_BYTES, 0);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const length = readSync(descriptor, buffer, 0, buffer.length, start);
    return lastLines(buffer.toString("utf8", 0, length), count);
  } finally {
    closeSync(descriptor);
  }
}

/** Calls `onLine` with every whole line of the chunks it is given. */
export function lineSplitter(onLine: ((line: string) => void) | undefined): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    if (onLine === undefined) {
      return;
    }
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      onLine(line);
    }
  };
}
