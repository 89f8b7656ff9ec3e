/** A word longer than this is no misspelling, and comparing it would take long. */
const LONGEST_MISSPELLING = 64;

/** The choice a user most likely meant; undefined where none is near. Case does not count. */
export function nearest(written: string, choices: readonly string[]): string | undefined {
  if (written.length > LONGEST_MISSPELLING) {
    return undefined;
  }
  const [best] = choices
    .map((choice) => ({ choice, distance: editDistance(choice.toLowerCase(), written.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(written.length / 3)) ? best.choice : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that make one text of the other. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, beforePrevious[j - 2]! + 1);
      }
      row.push(best);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length]!;
}
