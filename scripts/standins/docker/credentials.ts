import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { isObject, type Json, type JsonObject } from "../lib/values.ts";

export interface Credentials {
  /** `host[:port]`. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
}

/** Docker's hub is known to Docker by this address. */
const HUB = "https://index.docker.io/v1/";

/** Folders with credentials that are in use now. */
const folders = new Set<string>();

/** Removes every folder with credentials at once: the process is about to exit. */
export function removeCredentials(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/**
 * Runs `work` with a Docker configuration that also knows some credentials, in a private folder that is removed
 * afterwards: nothing is logged in for longer, and no password is on a command line.
 */
export async function withCredentials<T>(
  credentials: readonly Credentials[],
  work: (env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  if (credentials.length === 0) return work({});
  const own = process.env.DOCKER_CONFIG ?? join(homedir(), ".docker");
  const folder = await mkdtemp(join(tmpdir(), "millwright-docker-"));
  folders.add(folder);
  try {
    const config = merge(await readConfig(own), credentials);
    await writeFile(join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
    for (const shared of ["contexts", "cli-plugins"]) await symlink(join(own, shared), join(folder, shared));
    return await work({ DOCKER_CONFIG: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

function merge(config: JsonObject, credentials: readonly Credentials[]): JsonObject {
  const auths: Record<string, Json> = isObject(config.auths) ? { ...config.auths } : {};
  const helpers: Record<string, Json> = isObject(config.credHelpers) ? { ...config.credHelpers } : {};
  for (const { address, username, password } of credentials) {
    const key = address === "docker.io" || address === "" ? HUB : address;
    auths[key] = { auth: Buffer.from(`${username}:${password}`).toString("base64") };
    // A credential helper for this registry would win over what was given.
    helpers[key] = "";
  }
  const { credsStore: _store, ...rest } = config;
  return { ...rest, auths, credHelpers: Object.fromEntries(Object.entries(helpers).filter(([, name]) => name !== "")) };
}

async function readConfig(folder: string): Promise<JsonObject> {
  const path = join(folder, "config.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error(`${path}: must be a JSON object; repair or remove it`);
  return value;
}
