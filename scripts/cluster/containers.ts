import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isRunning, type ProcessIdentity } from "../lib/identity.ts";

/** A process as /proc shows it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: readonly string[];
}

/**
 * The shims of the containerd that listens on `socket`. They outlive it, and carry its address, which contains the state
 * root, on their command line: no other containerd's shim is ever among them.
 */
export function shimsOf(processes: readonly ProcessEntry[], socket: string): ProcessEntry[] {
  return processes.filter(({ command }) => {
    const address = command.indexOf("-address");
    return /(^|\/)containerd-shim/.test(command[0] ?? "") && address > 0 && command[address + 1] === socket;
  });
}

/** First processes of the containers under these shims. */
export function containersOf(processes: readonly ProcessEntry[], shims: readonly ProcessEntry[]): ProcessEntry[] {
  const parents = new Set(shims.map(({ pid }) => pid));
  return processes.filter(({ parent }) => parents.has(parent));
}

/** Whether the text of a /proc/<pid>/status says that the process handles SIGTERM. */
export function handlesSigterm(status: string): boolean {
  const digits = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const SIGTERM = 15n;
  return digits !== undefined && ((BigInt(`0x${digits}`) >> (SIGTERM - 1n)) & 1n) === 1n;
}

const GRACE_SECONDS = 20;

/**
 * Ends every container of the containerd on `socket`, giving those that handle SIGTERM time to checkpoint. It works whether
 * or not containerd itself still runs.
 *
 * @returns how many were ended
 */
export async function stopContainers(socket: string): Promise<number> {
  const processes = readProcesses();
  const containers = identities(containersOf(processes, shimsOf(processes, socket)));
  // The first process of a pid namespace never dies of a signal it does not handle, so waiting for it is in vain.
  const graceful = containers.filter(({ pid }) => handlesSigterm(readStatus(pid)));
  await end(
    containers.filter((container) => !graceful.includes(container)),
    "SIGKILL",
    5,
  );
  await end(graceful, "SIGTERM", GRACE_SECONDS);
  await end(graceful, "SIGKILL", 5);
  return containers.length;
}

/** Ends the shims, which would otherwise stay for a containerd that does not come back. */
export async function stopShims(socket: string): Promise<number> {
  const shims = identities(shimsOf(readProcesses(), socket));
  await end(shims, "SIGKILL", 5);
  return shims.length;
}

async function end(processes: readonly ProcessIdentity[], signal: NodeJS.Signals, seconds: number): Promise<void> {
  for (const identity of processes.filter(isRunning)) {
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
        throw error;
      }
    }
  }
  const deadline = Date.now() + seconds * 1000;
  while (processes.some(isRunning) && Date.now() < deadline) {
    await sleep(50);
  }
}

const identities = (processes: readonly ProcessEntry[]) =>
  processes.map(({ pid }) => identify(pid)).filter((identity) => identity !== undefined);

function readProcesses(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const command = readProc(`/proc/${name}/cmdline`).split("\0");
      const parent = /^PPid:\s*(\d+)$/m.exec(readProc(`/proc/${name}/status`))?.[1];
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent), command }];
    });
}

const readStatus = (pid: number) => readProc(`/proc/${pid}/status`);

/** Empty where the process ended meanwhile. */
function readProc(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH") {
      return "";
    }
    throw error;
  }
}
