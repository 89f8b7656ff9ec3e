import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toolPath } from "../lib/roots.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import type { ToolName } from "../toolchain/tools.ts";
import { noDownloadEnvironment } from "./environment.ts";
import { packageVersion } from "./lib/plugin.ts";
import { isObject, type Json } from "./lib/values.ts";
import { installedPackages } from "./nodejs/packages.ts";

/** A plugin the engine needs, and what takes its place where the official download does not answer. */
export interface PluginSpec {
  readonly kind: "language" | "resource";
  readonly name: string;
  readonly version: string;
  readonly instead:
    | { readonly kind: "build"; readonly tool: ToolName }
    | { readonly kind: "stand-in"; readonly main: string };
}

export interface InstallOptions {
  /** Pulumi's home; created if it does not exist. */
  readonly pulumiHome: string;
  /** Environment in which `pulumi` is found and runs. @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /**
   * `prefer-official` asks Pulumi to download each plugin and takes what there is instead only where that fails, `instead`
   * never asks. @default "prefer-official"
   */
  readonly mode?: "prefer-official" | "instead";
  /** Called with each plugin and where it comes from. */
  readonly onPlugin?: (plugin: PluginSpec, source: "official" | "build" | "stand-in") => void;
  /** Builds a plugin's binary, if it is not there yet, and resolves to its path. @default from its Go module */
  readonly build?: (tool: ToolName, binary: string) => Promise<string>;
}

export interface Installed {
  /** What to add to the environment of every `pulumi` call. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the plugins that were not downloaded. */
  readonly notDownloaded: readonly string[];
}

/** The checkout this file belongs to. */
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** The Node this repository installs; the one that runs this may be older. */
const NODE = join(REPOSITORY, "node_modules", "node", "bin", "node");

/** A file that tells our plugin folders from the ones Pulumi installed; it was called so when all of them were stand-ins. */
const MARKER = "millwright-stand-in";

/** Official plugins that are built from their Go modules. */
const BUILT: Readonly<Record<string, ToolName>> = { kubernetes: "pulumi-kubernetes" };

/** For how long "the official plugins cannot be downloaded here" is believed. */
const REMEMBER_HOURS = 24;

/** How long one plugin's download may take, in seconds. */
const DOWNLOAD_SECONDS = 600;

/**
 * Puts every plugin this repository needs where the engine looks for them: official ones as far as they are installed or can be
 * downloaded, else built from their modules, and stand-ins for those that have none. Running it again repairs what is missing
 * and points the stand-ins at this checkout.
 * @throws Error if `pulumiHome` cannot be written, Failure if a plugin cannot be built
 */
export async function installPlugins(options: InstallOptions): Promise<Installed> {
  const plugins = join(options.pulumiHome, "plugins");
  await mkdir(plugins, { recursive: true, mode: 0o700 });
  await silenceEngineLog(options.pulumiHome);
  const env = { ...(options.env ?? process.env), PULUMI_HOME: options.pulumiHome };
  const memory = await readMemory(options.pulumiHome);
  const notDownloaded: string[] = [];
  for (const plugin of neededPlugins(REPOSITORY)) {
    const official =
      (options.mode ?? "prefer-official") === "prefer-official" && (await haveOfficial(plugin, plugins, env, memory));
    if (!official) {
      await installInstead(plugin, plugins, options.build ?? buildFromModule);
      notDownloaded.push(plugin.name);
    }
    options.onPlugin?.(plugin, official ? "official" : plugin.instead.kind);
  }
  await writeMemory(options.pulumiHome, memory);
  return {
    env: { PULUMI_HOME: options.pulumiHome, ...(notDownloaded.length > 0 ? noDownloadEnvironment : {}) },
    notDownloaded,
  };
}

/** The language host, and of the resource plugins this repository's packages need those that can be had without a download. */
export function neededPlugins(repository: string): PluginSpec[] {
  const standIn = (name: string) => ({
    kind: "stand-in" as const,
    main: join(repository, "scripts", "standins", name, "main.ts"),
  });
  const language: PluginSpec = {
    kind: "language",
    name: "nodejs",
    version: packageVersion("@pulumi/pulumi"),
    instead: standIn("nodejs"),
  };
  const resources = installedPackages(repository, false).flatMap(({ plugin }): PluginSpec[] => {
    if (plugin === undefined) return [];
    const { name, version } = plugin;
    const tool = BUILT[name];
    const instead = tool === undefined ? standIn(name) : { kind: "build" as const, tool };
    return instead.kind === "stand-in" && !existsSync(instead.main)
      ? []
      : [{ kind: "resource", name, version, instead }];
  });
  return [language, ...resources];
}

/**
 * The engine writes every step of every run to an encrypted log, which is a third of its time and has no switch. Where the
 * log's folder cannot be made it goes without; `pulumi --logtostderr -v=9` still shows everything.
 */
async function silenceEngineLog(pulumiHome: string): Promise<void> {
  const path = join(pulumiHome, "logs");
  if ((await stat(path).catch(() => undefined))?.isDirectory()) await rm(path, { recursive: true });
  await replaceFile(path, "A file instead of a folder, so that the engine keeps no log of its own here.\n", 0o644);
}

/** Plugins that could not be downloaded, and when that was tried. */
type Memory = Map<string, Date>;

async function haveOfficial(
  plugin: PluginSpec,
  plugins: string,
  env: NodeJS.ProcessEnv,
  memory: Memory,
): Promise<boolean> {
  const folder = join(plugins, folderName(plugin));
  if ((await exists(folder)) && !(await exists(join(folder, MARKER)))) return true;
  if (plugin.kind === "language") return bundledLanguageHost(plugin, env);
  const tried = memory.get(folderName(plugin));
  if (tried !== undefined && Date.now() - tried.getTime() < REMEMBER_HOURS * 3600_000) return false;
  await rm(folder, { recursive: true, force: true });
  const downloaded = await download(plugin, env);
  if (downloaded) memory.delete(folderName(plugin));
  else memory.set(folderName(plugin), new Date());
  return downloaded;
}

/** Pulumi's releases bring the language host beside the CLI; a CLI built from its Go module comes without. */
async function bundledLanguageHost(plugin: PluginSpec, env: NodeJS.ProcessEnv): Promise<boolean> {
  for (const folder of (env.PATH ?? "").split(":")) {
    if (folder !== "" && (await exists(join(folder, executableName(plugin))))) return true;
  }
  return false;
}

/** Asks Pulumi to download a plugin; its first "Will retry" means the place does not answer. */
function download(plugin: PluginSpec, env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const args = ["plugin", "install", plugin.kind, plugin.name, plugin.version, "--non-interactive"];
    const child = spawn("pulumi", args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), DOWNLOAD_SECONDS * 1000);
    const watch = (data: Buffer): void => {
      if (data.toString().includes("Will retry")) child.kill("SIGKILL");
    };
    child.stdout.on("data", watch);
    child.stderr.on("data", watch);
    child.once("error", () => {
      clearTimeout(timer);
      resolve(false);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

async function buildFromModule(tool: ToolName, binary: string): Promise<string> {
  await ensureTools([tool]);
  return toolPath(tool, binary);
}

async function installInstead(
  plugin: PluginSpec,
  plugins: string,
  build: NonNullable<InstallOptions["build"]>,
): Promise<void> {
  const { instead } = plugin;
  const source = instead.kind === "build" ? await build(instead.tool, executableName(plugin)) : instead.main;
  await removeOtherVersions(plugin, plugins);
  const folder = join(plugins, folderName(plugin));
  // A download that was cut off leaves this file, and the engine then ignores the folder.
  await rm(`${folder}.partial`, { force: true });
  await mkdir(folder, { recursive: true });
  await replaceFile(join(folder, MARKER), `${source}\n`, 0o644);
  const executable = join(folder, executableName(plugin));
  if (instead.kind === "build") await linkFile(executable, source);
  else await replaceFile(executable, shim(instead.main), 0o755);
}

async function removeOtherVersions(plugin: PluginSpec, plugins: string): Promise<void> {
  const prefix = `${plugin.kind}-${plugin.name}-v`;
  for (const entry of await readdir(plugins)) {
    if (!entry.startsWith(prefix) || entry === folderName(plugin)) continue;
    if (await exists(join(plugins, entry, MARKER))) await rm(join(plugins, entry), { recursive: true, force: true });
  }
}

function shim(main: string): string {
  return `#!/bin/sh\nexec ${quote(existsSync(NODE) ? NODE : process.execPath)} ${quote(main)} "$@"\n`;
}

/** Another run may be starting this very file, and what is there may be a file that something else put. */
async function linkFile(path: string, target: string): Promise<void> {
  if ((await readlink(path).catch(() => undefined)) === target) return;
  const fresh = `${path}.${process.pid}`;
  await symlink(target, fresh);
  await rename(fresh, path);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function folderName(plugin: PluginSpec): string {
  return `${plugin.kind}-${plugin.name}-v${plugin.version}`;
}

function executableName(plugin: PluginSpec): string {
  return `pulumi-${plugin.kind}-${plugin.name}`;
}

/** Another run may be starting this very file. */
async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) === content) return;
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, content);
  await chmod(fresh, mode);
  await rename(fresh, path);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    },
  );
}

function memoryPath(pulumiHome: string): string {
  return join(pulumiHome, "not-downloadable.json");
}

async function readMemory(pulumiHome: string): Promise<Memory> {
  const text = await readFile(memoryPath(pulumiHome), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  const entries = Object.entries(parseObject(text)).flatMap(([name, time]): [string, Date][] =>
    typeof time === "string" ? [[name, new Date(time)]] : [],
  );
  return new Map(entries);
}

/** A damaged memory only costs one more attempt to download. */
function parseObject(text: string): Record<string, Json> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

async function writeMemory(pulumiHome: string, memory: Memory): Promise<void> {
  const path = memoryPath(pulumiHome);
  if (memory.size === 0) return rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, `${JSON.stringify(Object.fromEntries(memory), undefined, 2)}\n`, 0o644);
}
