import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
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

/** Makes a folder that `variable` can move elsewhere. Throws a Failure where it cannot be made or written to. */
export function requireFolder(folder: string, variable: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new Failure(
      `${folder} cannot be written to (${(error as NodeJS.ErrnoException).code})`,
      `make it writable, or set ${variable} to a folder that is`,
      { cause: error },
    );
  }
}
