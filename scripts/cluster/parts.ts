import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { awaitDaemon, type Daemon, daemonAt, startDaemon, stopDaemon } from "../lib/daemon.ts";

/** One program of the datacenter that runs as a process. */
export interface Part {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Parts that must be ready before this one is started. */
  readonly after: readonly string[];
  /** Resolves to true when it does its work; throws where nobody answers. */
  readonly probe: () => Promise<boolean>;
  /** Longest time from start to ready. */
  readonly timeoutSeconds: number;
  /** What must happen right before its start. */
  readonly prepare?: () => Promise<void>;
  /** Files it reads at its start: where one is newer than the process, it works by an old one. @default none */
  readonly reads?: readonly string[];
}

export interface PartFolders {
  readonly pids: string;
  readonly logs: string;
}

/** What is known of a part before deciding about it. */
export interface PartFacts {
  readonly running: boolean;
  /** It runs with the command line it should have. */
  readonly sameCommand: boolean;
  readonly configurationChanged: boolean;
  readonly healthy: boolean;
}

/** Starting twice is harmless, so what runs as it should is kept and everything else is (re)started. */
export function decide({
  running,
  sameCommand,
  configurationChanged,
  healthy,
}: PartFacts): "keep" | "start" | "restart" {
  if (!running) {
    return "start";
  }
  return sameCommand && !configurationChanged && healthy ? "keep" : "restart";
}

export const pidFileOf = (folders: PartFolders, name: string): string => path.join(folders.pids, `${name}.json`);
export const logFileOf = (folders: PartFolders, name: string): string => path.join(folders.logs, `${name}.log`);

/** Seconds a running part is given to answer before it counts as ill. */
const HEALTH_SECONDS = 3;

export async function isAnswering(part: Part): Promise<boolean> {
  const deadline = Date.now() + HEALTH_SECONDS * 1000;
  for (;;) {
    try {
      return await part.probe();
    } catch {
      // Not ready is an answer too; it becomes an error only where a started part stays so.
      if (Date.now() >= deadline) {
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Told of each part that is started, and runs the work of doing so: where progress is shown and what was started is kept. */
export type Starting = (name: string, work: () => Promise<void>) => Promise<void>;

/**
 * Brings the parts up, each as soon as those it follows are ready; what runs as it should is left alone.
 *
 * @throws Failure that names the part and the end of its log. Those started before keep running: `starting` knows which.
 */
export async function startParts(
  parts: readonly Part[],
  folders: PartFolders,
  starting: Starting = (_name, work) => work(),
): Promise<void> {
  const ready = new Map<string, Promise<void>>();
  let failed: { error: unknown } | undefined;
  for (const part of parts) {
    const before = part.after.map((name) => {
      const promise = ready.get(name);
      if (promise === undefined) {
        throw new Error(`Part ${part.name} follows ${name}, which is not before it`);
      }
      return promise;
    });
    const work = Promise.all(before).then(async () => {
      if (failed === undefined) {
        await startPart(part, folders, starting);
      }
    });
    ready.set(part.name, work);
    work.catch((error: unknown) => {
      failed ??= { error };
    });
  }
  await Promise.allSettled(ready.values());
  if (failed !== undefined) {
    throw failed.error;
  }
}

async function startPart(part: Part, folders: PartFolders, starting: Starting): Promise<void> {
  const pidFile = pidFileOf(folders, part.name);
  const present = daemonAt(pidFile);
  const configurationChanged = present !== undefined && isNewer(part.reads ?? [], pidFile);
  const sameCommand = present !== undefined && sameArguments(present, part);
  const decision = decide({
    running: present !== undefined,
    sameCommand,
    configurationChanged,
    healthy: sameCommand && !configurationChanged && (await isAnswering(part)),
  });
  if (decision === "keep") {
    return;
  }
  await starting(part.name, async () => {
    if (decision === "restart") {
      // A part that does not answer seldom heeds SIGTERM either.
      await stopDaemon(pidFile, { graceSeconds: 5 });
    }
    await part.prepare?.();
    const logFile = logFileOf(folders, part.name);
    rotate(logFile);
    const { name, command, args } = part;
    const daemon = await startDaemon({ name, command, args, logFile, pidFile });
    await awaitDaemon(daemon, part.probe, { timeoutSeconds: part.timeoutSeconds, interval: 50 });
  });
}

/** An interrupted call may have written a file without restarting who reads it; the times on disk still tell. */
const isNewer = (files: readonly string[], pidFile: string) =>
  files.some((file) => existsSync(file) && statSync(file).mtimeMs > statSync(pidFile).mtimeMs);

const sameArguments = (daemon: Daemon, part: Part) =>
  JSON.stringify(daemon.command) === JSON.stringify([part.command, ...part.args]);

const MAX_LOG_BYTES = 32 * 1024 * 1024;

/** Keeps one older log, so that a datacenter started daily does not fill the disk. */
function rotate(logFile: string): void {
  if (existsSync(logFile) && statSync(logFile).size > MAX_LOG_BYTES) {
    renameSync(logFile, `${logFile}.1`);
  }
}

/** Writes a file unless it has this content. True if it was written. */
export function writeIfChanged(file: string, content: string, mode = 0o600): boolean {
  if (existsSync(file) && readFileSync(file, "utf8") === content) {
    return false;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.draft`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, file);
  return true;
}
