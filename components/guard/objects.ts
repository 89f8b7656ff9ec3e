import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { keyOf } from "./identity.ts";

const runObjects = z.object({
  /** A run is under way, or was interrupted: the state may not know what it made. */
  open: z.boolean(),
  objects: z.array(
    z.object({
      apiVersion: z.string(),
      kind: z.string(),
      namespace: z.string().exactOptional(),
      name: z.string(),
      /** Its content is drawn when it is made and kept from then on, such as a password. */
      madeOnce: z.literal(true).exactOptional(),
    }),
  ),
});

/** What runs may have made, in a file beside the state: what is in it and not in the state is nobody's. */
export type RunObjects = z.infer<typeof runObjects>;

export type RunObject = RunObjects["objects"][number];

/** @returns undefined where there is none */
export function readRunObjects(file: string): RunObjects | undefined {
  try {
    return runObjects.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} does not hold what the runs of a stack have made; remove it, and the state alone counts`, {
      cause: error,
    });
  }
}

/** Whole or not at all: a kill may come at any moment. */
export function writeRunObjects(file: string, { open, objects }: RunObjects): void {
  const each = new Map(objects.map((object) => [keyOf(object), object]));
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ open, objects: [...each.values()] }), { mode: 0o600 });
  renameSync(draft, file);
}
