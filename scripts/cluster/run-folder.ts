import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { run } from "../lib/process.ts";
import type { ClusterLayout } from "./layout.ts";
import { mountsUnder } from "./mounts.ts";

/**
 * Makes the folder of what does not outlive the machine's running time. One that was left by an earlier running time is
 * emptied: its sockets, process ids and addresses mean nothing any more.
 */
export async function prepareRunFolder(layout: ClusterLayout): Promise<void> {
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  if (existsSync(layout.bootId) && readFileSync(layout.bootId, "utf8") === bootId) {
    return;
  }
  await removeRunFolder(layout);
  mkdirSync(layout.pids, { recursive: true });
  writeFileSync(layout.bootId, bootId);
}

export async function removeRunFolder(layout: ClusterLayout): Promise<void> {
  await unmountUnder(layout.run);
  rmSync(layout.run, { recursive: true, force: true });
}

/** Unmounts everything at or under a folder, so that removing the folder reaches nothing else. */
export async function unmountUnder(folder: string): Promise<void> {
  for (const point of mountsUnder(readFileSync("/proc/self/mountinfo", "utf8"), folder)) {
    // Lazily: a process that is ending may still have its working directory there.
    await run("umount", ["--lazy", point]);
  }
}
