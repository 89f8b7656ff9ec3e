import { existsSync, statfsSync } from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";

const GIB = 1024 ** 3;

/** Free space for a file below `folder`, which need not exist yet, in GiB. */
export function freeGiB(folder: string): number {
  let place = path.resolve(folder);
  while (!existsSync(place)) {
    place = path.dirname(place);
  }
  const { bavail, bsize } = statfsSync(place);
  return (bavail * bsize) / GIB;
}

/** Throws a Failure unless `folder` has `neededGiB` free; `purpose` reads "to build kubernetes". */
export function requireDisk(folder: string, neededGiB: number, purpose: string): void {
  const free = freeGiB(folder);
  if (free < neededGiB) {
    throw new Failure(
      `${folder} has ${free.toFixed(1)} GiB free, and ${neededGiB} GiB are needed ${purpose}`,
      "free some space there, or set MILLWRIGHT_CACHE and MILLWRIGHT_HOME to folders on a larger disk",
    );
  }
}
