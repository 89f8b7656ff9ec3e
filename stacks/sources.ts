import { access, readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";
import { type DatasetSource, sourceSchema, workloadSchema } from "./schema.ts";

/** A source whose data lies in a folder. */
export type FolderSource = Exclude<DatasetSource, { kind: "builtin" }>;

/** The folder a source's raw data is read from, absolute. */
export function sourceFolder(source: FolderSource, repositoryRoot: string): string {
  return source.kind === "npm"
    ? join(packageFolder(source.package, repositoryRoot), source.path)
    : resolve(repositoryRoot, source.path);
}

function packageFolder(name: string, repositoryRoot: string): string {
  return join(repositoryRoot, "node_modules", name);
}

/**
 * What is wrong with the data and the images that the models of a stack point at: each whose own fields are valid is
 * looked up.
 */
export async function sourceProblems(raw: unknown, repositoryRoot: string): Promise<Problem[]> {
  const models = memberOf(raw, "models");
  if (!Array.isArray(models)) {
    return [];
  }
  const problems = await Promise.all(
    models.flatMap((model: unknown, index) => {
      const source = sourceSchema.safeParse(["dataset", "source"].reduce(memberOf, model));
      const workload = workloadSchema.safeParse(memberOf(model, "workload"));
      return [
        source.success ? problemOf(source.data, `models[${index}].dataset.source`, repositoryRoot) : undefined,
        workload.success ? dockerfileFault(workload.data.context, index, repositoryRoot) : undefined,
      ];
    }),
  );
  return problems.filter((problem) => problem !== undefined);
}

async function problemOf(source: DatasetSource, path: string, repositoryRoot: string): Promise<Problem | undefined> {
  if (source.kind === "builtin") {
    return undefined;
  }
  if (source.kind === "npm") {
    const installed = await installedVersion(source.package, repositoryRoot);
    if (installed === undefined) {
      const remedy = `npm install --save-exact ${source.package}@${source.version}`;
      return {
        path: `${path}.package`,
        message: `must be an installed package; run ${remedy}.`,
        value: source.package,
      };
    }
    if (installed !== source.version) {
      const message = `must be the installed version, which is "${installed}"; change it, or run npm install --save-exact ${source.package}@${source.version}.`;
      return { path: `${path}.version`, message, value: source.version };
    }
  }
  const folder = sourceFolder(source, repositoryRoot);
  const fault = await folderFault(folder);
  return fault === undefined ? undefined : { path: `${path}.path`, message: `${fault}.`, value: source.path };
}

async function dockerfileFault(context: string, index: number, repositoryRoot: string): Promise<Problem | undefined> {
  try {
    await access(join(repositoryRoot, context, "Dockerfile"));
    return undefined;
  } catch {
    const message = "must be a folder of the repository with a Dockerfile in it that can be read.";
    return { path: `models[${index}].workload.context`, message, value: context };
  }
}

/** The version of a package as installed, or undefined where there is none that can be read. */
async function installedVersion(name: string, repositoryRoot: string): Promise<string | undefined> {
  try {
    const manifest: unknown = JSON.parse(
      await readFile(join(packageFolder(name, repositoryRoot), "package.json"), "utf8"),
    );
    const version = memberOf(manifest, "version");
    return typeof version === "string" ? version : undefined;
  } catch {
    // Missing, unreadable or half-written: whichever it is, the remedy the caller names is to install it.
    return undefined;
  }
}

async function folderFault(folder: string): Promise<string | undefined> {
  try {
    const entries = await readdir(folder);
    return entries.length === 0 ? "must be a folder with data in it, and this one is empty" : undefined;
  } catch (error) {
    return `must be a folder that exists and can be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
