import { spawn } from "node:child_process";
import { closeSync, writeFileSync } from "node:fs";
import path from "node:path";
import { endWithUs, killGroup } from "./interrupts.ts";
import { lastLines, lineSplitter, openLog, TAIL_BYTES } from "./log.ts";

export {
  awaitDaemon,
  type Daemon,
  type DaemonOptions,
  daemonAt,
  startDaemon,
  stopDaemon,
} from "./daemon.ts";

/** A command that could not be started, ended with another code than 0, or ran past its time. */
export class CommandError extends Error {
  readonly command: string;
  /** Undefined when it did not start or a signal ended it. */
  readonly exitCode: number | undefined;
  /** The end of its output, stdout and stderr in the order written. */
  readonly tail: string;

  constructor(command: string, reason: string, exitCode: number | undefined, tail: string, options?: ErrorOptions) {
    super(`${command} ${reason}${tail === "" ? "" : `:\n${tail}`}`, options);
    this.name = "CommandError";
    this.command = command;
    this.exitCode = exitCode;
    this.tail = tail;
  }
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input, which is closed afterwards. @default empty */
  readonly input?: string;
  /** Seconds after which it and the processes it started are killed. @default none */
  readonly timeoutSeconds?: number;
  /** Its output is appended here too. */
  readonly logFile?: string;
  /** Called with every line of its output. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. Rejects with a CommandError unless it ends with exit code 0. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const shown = [path.basename(command), ...args.slice(0, 3)].join(" ");
  const log = options.logFile === undefined ? undefined : openLog(options.logFile);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      // Its own process group, so that a timeout or an interrupt also ends what it started.
      detached: true,
    });
    const streams: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
    const lines = lineSplitter(options.onLine);
    let both = "";
    let timedOut = false;
    const take = (name: "stdout" | "stderr") => (chunk: string) => {
      streams[name] += chunk;
      both = (both + chunk).slice(-TAIL_BYTES);
      lines(chunk);
      if (log !== undefined) {
        writeFileSync(log, chunk);
      }
    };
    const group = child.pid;
    const forget = group === undefined ? () => {} : endWithUs(group);
    const timer =
      options.timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            if (group !== undefined) {
              killGroup(group, "SIGKILL");
            }
          }, options.timeoutSeconds * 1000);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      forget();
      if (log !== undefined) {
        closeSync(log);
      }
      settle();
    };
    child.stdout.setEncoding("utf8").on("data", take("stdout"));
    child.stderr.setEncoding("utf8").on("data", take("stderr"));
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      // A command need not read all of its input.
      if (error.code !== "EPIPE") {
        child.emit("error", error);
      }
    });
    child.stdin.end(options.input ?? "");
    child.once("error", (error) => {
      finish(() =>
        reject(new CommandError(shown, `could not be run: ${error.message}`, undefined, "", { cause: error })),
      );
    });
    child.once("close", (code, signal) => {
      const tail = lastLines(both);
      finish(() => {
        if (timedOut) {
          reject(new CommandError(shown, `ran past its ${options.timeoutSeconds} s`, undefined, tail));
        } else if (code === 0) {
          resolve(streams);
        } else {
          const reason = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
          reject(new CommandError(shown, reason, code ?? undefined, tail));
        }
      });
    });
  });
}
