import { nearest } from "../../../core/spelling.ts";

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** `1 node`, `2 nodes`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** What completes "must be ...": what may stand there, with the choice that was most likely meant. */
export function orNearest(allowed: string, written: string, choices: readonly string[]): string {
  const near = nearest(written, choices);
  return near === undefined ? `${allowed}.` : `${allowed}; did you mean "${near}"?`;
}

/** Values that stand in a list before, with the index of the first. */
export function repeated<T>(values: readonly T[], same: (a: T, b: T) => boolean): { index: number; first: number }[] {
  return values.flatMap((value, index) => {
    const first = values.findIndex((other) => same(other, value));
    return first < index ? [{ index, first }] : [];
  });
}
