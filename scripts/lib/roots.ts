import { homedir } from "node:os";
import path from "node:path";
import { TOOLS, type ToolName } from "../toolchain/tools.ts";

/**
 * Where downloads and builds are kept by version; safe to delete, costly to fill.
 * $MILLWRIGHT_CACHE, else $XDG_CACHE_HOME/millwright, else ~/.cache/millwright.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env["MILLWRIGHT_CACHE"]) {
    return path.resolve(env["MILLWRIGHT_CACHE"]);
  }
  return path.join(env["XDG_CACHE_HOME"] || path.join(env["HOME"] || homedir(), ".cache"), "millwright");
}

/** Where the local datacenter lives: state, certificates, logs, pid files. $MILLWRIGHT_HOME, else /var/lib/millwright. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env): string {
  return path.resolve(env["MILLWRIGHT_HOME"] || "/var/lib/millwright");
}

/** The folder of one tool at its pinned version. */
export function toolFolder(name: ToolName, env: NodeJS.ProcessEnv = process.env): string {
  return path.join(cacheRoot(env), "tools", `${name}-${TOOLS[name].version}`);
}

/** The path at which `ensureTools` puts a tool's binary; `binary` defaults to the tool's name. */
export function toolPath(name: ToolName, binary: string = name, env: NodeJS.ProcessEnv = process.env): string {
  return path.join(toolFolder(name, env), "bin", binary);
}

/** Logs of installs and builds. */
export function buildLog(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return path.join(cacheRoot(env), "logs", `${name}.log`);
}
