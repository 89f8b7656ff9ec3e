import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { referenceTables, stackFileSchema } from "../stacks/reference.ts";

/** What stands around the generated part of docs/stack-file.md. */
const START = "<!-- Written by npm run schema from stacks/schema.ts. -->";
const END = "<!-- End of what npm run schema writes. -->";

/** The files made from the stack schema, by path relative to the repository, as they should be now. */
export async function generatedFiles(repositoryRoot: string): Promise<Map<string, string>> {
  const page = "docs/stack-file.md";
  const [before, rest] = split(await readFile(join(repositoryRoot, page), "utf8"), START, page);
  const [, after] = split(rest, END, page);
  return new Map([
    ["stacks/schema.json", `${JSON.stringify(stackFileSchema(), undefined, 2)}\n`],
    [page, `${before}${START}\n\n${referenceTables()}\n${END}${after}`],
  ]);
}

function split(text: string, marker: string, page: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) {
    throw new Error(`${page} has lost the line "${marker}"; put it back where the reference belongs`);
  }
  return [text.slice(0, at), text.slice(at + marker.length)];
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  for (const [path, text] of await generatedFiles(root)) {
    await writeFile(join(root, path), text);
    process.stderr.write(`wrote ${path}\n`);
  }
}
