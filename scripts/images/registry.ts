import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Daemon, stopDaemon } from "../lib/process.ts";
import { stateRoot } from "../lib/roots.ts";
import { findOnPath } from "../toolchain/path.ts";
import { type DaemonSpec, startAndAwait } from "./daemon-spec.ts";

/** The local registry's address, by which both docker and containerd speak plain http to it. */
export const REGISTRY = "127.0.0.1:5000";

export interface RegistryOptions {
  /** Where images and the registry's own configuration lie. @default <state>/registry */
  readonly root?: string;
  /** `host:port`. @default REGISTRY */
  readonly address?: string;
}

export interface RegistryFiles extends RegistryOptions {
  /** @default <state>/logs/registry.log */
  readonly logFile?: string;
  /** @default <state>/run/pids/registry.json */
  readonly pidFile?: string;
}

/** The registry's configuration. JSON is YAML. */
export function registryConfig(root: string, address: string): string {
  const config = {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: path.join(root, "data") },
      cache: { blobdescriptor: "inmemory" },
      delete: { enabled: true },
    },
    http: { addr: address, headers: { "X-Content-Type-Options": ["nosniff"] } },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** How the registry is run; writes its configuration. */
export function registrySpec(options: RegistryOptions = {}): DaemonSpec {
  const root = options.root ?? path.join(stateRoot(), "registry");
  const address = options.address ?? REGISTRY;
  const configFile = path.join(root, "config.yml");
  mkdirSync(path.join(root, "data"), { recursive: true });
  writeFileSync(configFile, registryConfig(root, address));
  return {
    name: "registry",
    command: findOnPath("docker-registry") ?? "docker-registry",
    args: ["serve", configFile],
    probe: async () => (await fetch(`http://${address}/v2/`, { signal: AbortSignal.timeout(2000) })).ok,
    timeoutSeconds: 30,
  };
}

/** Starts the registry unless it runs, and waits until it answers. */
export function startRegistry(options: RegistryFiles = {}): Promise<Daemon> {
  return startAndAwait(registrySpec(options), registryFiles(options));
}

/** True if it ran. */
export function stopRegistry(options: RegistryFiles = {}): Promise<boolean> {
  return stopDaemon(registryFiles(options).pidFile);
}

function registryFiles(options: RegistryFiles): { pidFile: string; logFile: string } {
  return {
    pidFile: options.pidFile ?? path.join(stateRoot(), "run", "pids", "registry.json"),
    logFile: options.logFile ?? path.join(stateRoot(), "logs", "registry.log"),
  };
}

/** Whether the registry has an image under this reference, `host:port/name:tag`. */
export async function registryHas(reference: string): Promise<boolean> {
  const [, host, name, tag] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? [];
  if (host === undefined || name === undefined || tag === undefined) {
    throw new Error(`${reference} is not of the form host:port/name:tag`);
  }
  const response = await fetch(`http://${host}/v2/${name}/manifests/${tag}`, {
    method: "HEAD",
    headers: {
      accept: "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
    },
    signal: AbortSignal.timeout(10_000),
  });
  return response.ok;
}
