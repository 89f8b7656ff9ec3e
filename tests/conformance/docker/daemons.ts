import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountsUnder } from "../../../scripts/cluster/mounts.ts";
import { startAndAwait } from "../../../scripts/images/daemon-spec.ts";
import { dockerHost, startDockerd, stopDockerd } from "../../../scripts/images/docker.ts";
import { registrySpec } from "../../../scripts/images/registry.ts";
import { freePort } from "../../../scripts/lib/port.ts";
import { stopDaemon } from "../../../scripts/lib/process.ts";

/** A dockerd and a registry of their own, in a temporary folder. */
export interface Daemons {
  readonly dockerHost: string;
  /** `127.0.0.1:port`. */
  readonly registry: string;
  stop(): Promise<void>;
}

/** Why there can be none here; undefined if there can. */
export function missingDaemons(): string | undefined {
  if (process.getuid?.() !== 0) return "dockerd needs root";
  const absent = ["dockerd", "docker", "docker-registry"].filter(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
  );
  return absent.length === 0
    ? undefined
    : `not installed: ${absent.join(", ")} (Debian packages docker.io, docker-registry)`;
}

/** @throws Failure with the end of the log of what did not start */
export async function startDaemons(): Promise<Daemons> {
  const root = mkdtempSync(join(tmpdir(), "millwright-docker-test-"));
  const docker = { root: join(root, "docker"), logs: join(root, "logs") };
  const registryPid = join(root, "registry.json");
  mkdirSync(docker.logs, { recursive: true });
  const stop = async () => {
    await stopDaemon(registryPid);
    await stopDockerd(docker);
    // dockerd leaves the network namespace of host builds mounted.
    for (const mount of mountsUnder(readFileSync("/proc/self/mountinfo", "utf8"), root)) spawnSync("umount", [mount]);
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  };
  const registry = `127.0.0.1:${await freePort()}`;
  try {
    await startDockerd(docker);
    await startAndAwait(registrySpec({ root: join(root, "registry"), address: registry }), {
      pidFile: registryPid,
      logFile: join(docker.logs, "registry.log"),
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { dockerHost: dockerHost(docker.root), registry, stop };
}
