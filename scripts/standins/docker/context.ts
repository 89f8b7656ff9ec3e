import { createHash } from "node:crypto";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { dockerIgnore, type Ignore } from "./ignore.ts";

/** Files read at a time: enough to keep the disk busy, few enough to stay small. */
const BATCH = 64;

/**
 * SHA-256 over what a build can see: the Dockerfile and every file of the context that .dockerignore lets through, with
 * names, permissions and, for symbolic links, targets. Any change of these is a change of the image.
 * @throws Error naming the Dockerfile or the context if it cannot be read
 */
export async function contextDigest(context: string, dockerfile: string): Promise<string> {
  const ignore = await readIgnore(context);
  const files = await walk(context, "", ignore);
  files.sort((left, right) => (left.path < right.path ? -1 : 1));
  const sum = createHash("sha256");
  sum.update(`dockerfile\0${digest(await readDockerfile(context, dockerfile))}\0`);
  for (let start = 0; start < files.length; start += BATCH) {
    const lines = await Promise.all(files.slice(start, start + BATCH).map((file) => describe(context, file)));
    for (const line of lines) sum.update(line);
  }
  return sum.digest("hex");
}

interface ContextFile {
  readonly path: string;
  readonly link: boolean;
}

async function describe(context: string, file: ContextFile): Promise<string> {
  const path = join(context, file.path);
  if (file.link) return `link\0${file.path}\0${await readlink(path)}\0`;
  const [content, { mode }] = await Promise.all([readFile(path), stat(path)]);
  return `file\0${file.path}\0${(mode & 0o7777).toString(8)}\0${digest(content)}\0`;
}

async function walk(context: string, folder: string, ignore: Ignore): Promise<ContextFile[]> {
  const entries = await readdir(join(context, folder), { withFileTypes: true }).catch((cause: unknown) => {
    throw new Error(`build.context ${context}: cannot be read; point it at a folder`, { cause });
  });
  const found = await Promise.all(
    entries.map(async (entry): Promise<ContextFile[]> => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      // A later rule may take back what is inside an ignored folder, so ignored folders are walked too.
      if (entry.isDirectory()) return walk(context, path, ignore);
      if (ignore(path)) return [];
      return entry.isFile() || entry.isSymbolicLink() ? [{ path, link: entry.isSymbolicLink() }] : [];
    }),
  );
  return found.flat();
}

async function readIgnore(context: string): Promise<Ignore> {
  const text = await readFile(join(context, ".dockerignore"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return "";
    throw error;
  });
  return dockerIgnore(text);
}

async function readDockerfile(context: string, dockerfile: string): Promise<Buffer> {
  return readFile(dockerfile).catch(async (cause: unknown) => {
    const inside = join(context, dockerfile);
    const hint =
      (await stat(inside).catch(() => undefined)) === undefined ? "name an existing file" : `did you mean ${inside}?`;
    throw new Error(
      `build.dockerfile ${dockerfile}: cannot be read (it is relative to the program's folder); ${hint}`,
      { cause },
    );
  });
}

function digest(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
