import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isObject, type Json, type JsonObject } from "../lib/values.ts";

/** An npm package as it is installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Set when the package needs a resource plugin. */
  readonly plugin?: { readonly name: string; readonly version: string; readonly server: string };
  readonly directory: string;
  readonly dependencies: readonly string[];
}

/** The nearest folder at or above `directory` with a package.json, if any. */
export function packageRoot(directory: string): string | undefined {
  if (existsSync(join(directory, "package.json"))) return directory;
  const parent = dirname(directory);
  return parent === directory ? undefined : packageRoot(parent);
}

/**
 * What a program depends on, as installed: the packages its package.json names and, if asked, all they depend on.
 * A dependency that is not installed is left out; running the program names it better than this could.
 */
export function installedPackages(directory: string, transitive: boolean): InstalledPackage[] {
  const root = packageRoot(directory);
  if (root === undefined) return [];
  const found = new Map<string, InstalledPackage>();
  const queue = dependencyNames(readManifest(root)).map((name) => ({ name, from: root }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const folder = locate(next.name, next.from);
    if (folder === undefined || found.has(folder)) continue;
    const installed = readPackage(next.name, folder);
    found.set(folder, installed);
    if (transitive) queue.push(...installed.dependencies.map((name) => ({ name, from: folder })));
  }
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function locate(name: string, from: string): string | undefined {
  const candidate = join(from, "node_modules", name);
  if (existsSync(join(candidate, "package.json"))) return candidate;
  const parent = dirname(from);
  return parent === from ? undefined : locate(name, parent);
}

function readPackage(name: string, directory: string): InstalledPackage {
  const manifest = readManifest(directory);
  const version = text(manifest.version) ?? "";
  const stanza = manifest.pulumi;
  const described = { name, version, directory, dependencies: dependencyNames(manifest) };
  if (!isObject(stanza) || stanza.resource !== true) return described;
  return {
    ...described,
    plugin: {
      name: text(stanza.name) ?? name.replace(/^@pulumi\//, ""),
      version: text(stanza.version) ?? version,
      server: text(stanza.server) ?? "",
    },
  };
}

function readManifest(directory: string): JsonObject {
  const path = join(directory, "package.json");
  const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isObject(manifest)) throw new Error(`${path}: must be a JSON object; run npm ci to install the packages again`);
  return manifest;
}

function dependencyNames(manifest: JsonObject): string[] {
  return isObject(manifest.dependencies) ? Object.keys(manifest.dependencies) : [];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
