import { createHash } from "node:crypto";
import { access, readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { hashOf } from "../components/core/hash.ts";
import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";
import { type DatasetSource, IMAGE_NAMES, type ImageName, type StackContent, type StackSpec } from "./schema.ts";
import { sourceFolder } from "./sources.ts";

/**
 * Identifies the bytes a stack points at, the same on every machine: relative paths in a fixed order, contents and the
 * executable bit, no times and no owners. Call it only where {@link missingContent} and the sources found no problem.
 */
export async function resolveContent(spec: StackSpec, repositoryRoot: string): Promise<StackContent> {
  const [images, sources, workloads] = await Promise.all([
    Promise.all(
      IMAGE_NAMES.map(async (name) => [name, await imageHash(imageFolder(name, repositoryRoot), spec)] as const),
    ),
    Promise.all(
      spec.models.map(async (model) => [model.name, await sourceHash(model.dataset.source, repositoryRoot)] as const),
    ),
    Promise.all(
      spec.models.flatMap(({ name, workload }) =>
        workload === undefined
          ? []
          : [imageHash(join(repositoryRoot, workload.context), spec).then((hash) => [name, hash] as const)],
      ),
    ),
  ]);
  return {
    images: Object.fromEntries(images) as Record<ImageName, string>,
    sources: Object.fromEntries(sources),
    workloads: Object.fromEntries(workloads),
  };
}

/** The build context of an image, absolute. */
export function imageFolder(name: ImageName, repositoryRoot: string): string {
  return join(repositoryRoot, "workloads", name);
}

/** Images this repository should hold but does not. */
export async function missingContent(repositoryRoot: string): Promise<Problem[]> {
  const problems = IMAGE_NAMES.map(async (name): Promise<Problem[]> => {
    const dockerfile = join(imageFolder(name, repositoryRoot), "Dockerfile");
    const found = await access(dockerfile).then(
      () => true,
      () => false,
    );
    return found
      ? []
      : [
          {
            path: `workloads/${name}/Dockerfile`,
            message: "cannot be read; restore it with git checkout -- workloads.",
          },
        ];
  });
  return (await Promise.all(problems)).flat();
}

async function imageHash(folder: string, spec: StackSpec): Promise<string> {
  return hashOf({ context: await folderHash(folder, isBuildInput), baseImage: spec.platform.baseImage });
}

/** What Python and tests leave in a build context without changing what is built from it. */
const NOT_BUILD_INPUT = new Set(["__pycache__", ".pytest_cache", "tests"]);

function isBuildInput(entry: string): boolean {
  return !NOT_BUILD_INPUT.has(entry) && !entry.endsWith(".pyc");
}

async function sourceHash(source: DatasetSource, repositoryRoot: string): Promise<string> {
  if (source.kind === "builtin") {
    // The data comes with the workload image, whose own hash is in every run's name.
    return hashOf({ builtin: source.name });
  }
  if (source.kind === "npm") {
    const integrity = await lockedIntegrity(source.package, source.version, repositoryRoot);
    if (integrity !== undefined) {
      return hashOf({ package: source.package, integrity, path: source.path });
    }
  }
  return await folderHash(sourceFolder(source, repositoryRoot), () => true);
}

/**
 * npm's own hash of a package's content, where the lockfile has it. It stands for the files, which npm checked against it
 * when it installed them: reading ten thousand files again at each run would take longer than everything else in it.
 */
async function lockedIntegrity(name: string, version: string, repositoryRoot: string): Promise<string | undefined> {
  const lock: unknown = JSON.parse(await readFile(join(repositoryRoot, "package-lock.json"), "utf8"));
  const locked = ["packages", `node_modules/${name}`].reduce(memberOf, lock);
  const integrity = memberOf(locked, "integrity");
  return memberOf(locked, "version") === version && typeof integrity === "string" ? integrity : undefined;
}

/** Files read at the same time: enough to hide the disk, few enough for any limit on open files. */
const CONCURRENT_READS = 32;

interface Entry {
  /** Relative to the folder that is hashed, with `/` on every machine. */
  readonly path: string;
  readonly isLink: boolean;
}

/** SHA-256 over the files of a folder, of those whose every path segment `included` accepts. */
export async function folderHash(folder: string, included: (segment: string) => boolean): Promise<string> {
  const entries = (await entriesBelow(folder, "", included)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash("sha256");
  for (let start = 0; start < entries.length; start += CONCURRENT_READS) {
    const batch = entries.slice(start, start + CONCURRENT_READS);
    for (const description of await Promise.all(batch.map((entry) => describe(folder, entry)))) {
      hash.update(`${JSON.stringify(description)}\n`);
    }
  }
  return hash.digest("hex");
}

async function entriesBelow(root: string, folder: string, included: (segment: string) => boolean): Promise<Entry[]> {
  const found = await readdir(join(root, folder), { withFileTypes: true });
  const entries = found
    .filter((entry) => included(entry.name))
    .map(async (entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory()
        ? await entriesBelow(root, path, included)
        : [{ path, isLink: entry.isSymbolicLink() }];
    });
  return (await Promise.all(entries)).flat();
}

/** A link counts as what it names, not as what is found there. */
async function describe(root: string, { path, isLink }: Entry): Promise<string[]> {
  const file = join(root, path);
  if (isLink) {
    return [path, "link", await readlink(file)];
  }
  const [content, { mode }] = await Promise.all([readFile(file), stat(file)]);
  return [path, (mode & 0o111) === 0 ? "file" : "executable", createHash("sha256").update(content).digest("hex")];
}
