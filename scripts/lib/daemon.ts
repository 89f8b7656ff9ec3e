import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "./failure.ts";
import { identify, isRunning, type ProcessIdentity } from "./identity.ts";
import { openLog, tailOf } from "./log.ts";

export interface DaemonOptions {
  /** What it is called in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its stdout and stderr are appended here. */
  readonly logFile: string;
  /** Says which process it is; what a later command stops it by. */
  readonly pidFile: string;
}

/** A process that outlives the command that started it: what its pid file contains. */
export interface Daemon extends ProcessIdentity {
  readonly name: string;
  readonly command: readonly string[];
  readonly logFile: string;
  /** Where in the log file this process's output begins, in bytes. */
  readonly logOffset: number;
}

/** The daemon that a pid file names, if exactly that process still runs; a reused pid does not count. */
export function daemonAt(pidFile: string): Daemon | undefined {
  const daemon = readPidFile(pidFile);
  return daemon !== undefined && isRunning(daemon) ? daemon : undefined;
}

/**
 * Starts a process in a session of its own. If the one its pid file names still runs, that one is returned and nothing is
 * started. It is started, not ready: `awaitDaemon` waits.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const present = daemonAt(options.pidFile);
  if (present !== undefined) {
    return present;
  }
  const log = openLog(options.logFile);
  try {
    const logOffset = fstatSync(log).size;
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", log, log],
      detached: true,
    });
    const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
    const started = new Promise<void>((resolve) => child.once("spawn", resolve));
    // Written before anything is awaited: from here on an interrupted start leaves something that can be stopped.
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    const daemon =
      identity === undefined
        ? undefined
        : {
            ...identity,
            name: options.name,
            command: [options.command, ...options.args],
            logFile: options.logFile,
            logOffset,
          };
    if (daemon !== undefined) {
      writePidFile(options.pidFile, daemon);
    }
    await Promise.race([started, failed]).catch((error: Error) => {
      rmSync(options.pidFile, { force: true });
      throw new Failure(
        `${options.name} could not be started: ${error.message}`,
        `make ${options.command} available and run this again`,
        { cause: error },
      );
    });
    child.unref();
    if (daemon === undefined) {
      throw endedEarly(options.name, options.logFile, logOffset);
    }
    return daemon;
  } finally {
    closeSync(log);
  }
}

export interface AwaitOptions {
  /** @default 60 */
  readonly timeoutSeconds?: number;
  /** Milliseconds between two probes. @default 100 */
  readonly interval?: number;
}

/**
 * Waits until `probe` resolves to true; a probe that throws counts as "not yet". Throws a Failure with the end of the
 * daemon's log when the daemon ends or the time is over.
 */
export async function awaitDaemon(
  daemon: Daemon,
  probe: () => Promise<boolean> | boolean,
  options: AwaitOptions = {},
): Promise<void> {
  const timeoutSeconds = options.timeoutSeconds ?? 60;
  const deadline = Date.now() + timeoutSeconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      if (await probe()) {
        return;
      }
    } catch (error) {
      last = error;
    }
    if (!isRunning(daemon)) {
      throw endedEarly(daemon.name, daemon.logFile, daemon.logOffset);
    }
    if (Date.now() >= deadline) {
      const why = last instanceof Error ? ` (${last.message})` : "";
      throw new Failure(
        `${daemon.name} was not ready after ${timeoutSeconds} s${why}; the end of its log:\n${daemonTail(daemon)}`,
        `look into ${daemon.logFile}`,
        { cause: last },
      );
    }
    await sleep(options.interval ?? 100);
  }
}

export interface StopOptions {
  /** Seconds between the first signal and SIGKILL. @default 15 */
  readonly graceSeconds?: number;
  /** @default "SIGTERM" */
  readonly signal?: NodeJS.Signals;
}

/** Stops the process that a pid file names and removes the file. True if it ran. */
export async function stopDaemon(pidFile: string, options: StopOptions = {}): Promise<boolean> {
  const daemon = daemonAt(pidFile);
  if (daemon !== undefined) {
    signalTo(daemon, options.signal ?? "SIGTERM");
    if (!(await endsWithin(daemon, options.graceSeconds ?? 15))) {
      signalTo(daemon, "SIGKILL");
      if (!(await endsWithin(daemon, 10))) {
        throw new Failure(
          `${daemon.name} (process ${daemon.pid}) does not end, not even by SIGKILL`,
          `see what it waits for: cat /proc/${daemon.pid}/stack`,
        );
      }
    }
  }
  rmSync(pidFile, { force: true });
  return daemon !== undefined;
}

async function endsWithin(identity: ProcessIdentity, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (isRunning(identity)) {
    if (Date.now() >= deadline) {
      return false;
    }
    await sleep(50);
  }
  return true;
}

function signalTo(daemon: Daemon, signal: NodeJS.Signals): void {
  if (!isRunning(daemon)) {
    return;
  }
  try {
    process.kill(daemon.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

function daemonTail(daemon: Daemon): string {
  return tailOf(daemon.logFile, { offset: daemon.logOffset });
}

function endedEarly(name: string, logFile: string, offset: number): Failure {
  const tail = tailOf(logFile, { offset });
  return new Failure(
    `${name} ended right after its start${tail === "" ? " and wrote nothing" : `; the end of its log:\n${tail}`}`,
    `mend the cause named there (the whole log is ${logFile}) and run this again`,
  );
}

function writePidFile(file: string, daemon: Daemon): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.draft`;
  writeFileSync(draft, `${JSON.stringify(daemon)}\n`);
  renameSync(draft, file);
}

function readPidFile(file: string): Daemon | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Daemon;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    if (error instanceof SyntaxError) {
      throw new Failure(`${file} is not a pid file of Millwright`, `remove it: rm ${file}`);
    }
    throw error;
  }
}
