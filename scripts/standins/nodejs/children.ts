import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import type { NodeCommand } from "./command.ts";

/** How a process ended: by its exit code, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Seconds a process has to end by itself after SIGTERM. */
const GRACE_SECONDS = 2;

/** The processes a plugin started, so that all end when it does. */
export class Children {
  readonly #running = new Set<ChildProcess>();

  /**
   * Starts this node with a command. Its stdin stays open as long as the plugin lives, which is what the tether watches.
   * @param output what becomes of stdout and stderr
   */
  start(command: NodeCommand, env: NodeJS.ProcessEnv, output: "inherit" | "pipe"): ChildProcess {
    const stdio: StdioOptions = ["pipe", output, output];
    const child = spawn(process.execPath, command.args, { cwd: command.cwd, env: { ...env, ...command.env }, stdio });
    child.stdin?.on("error", () => undefined);
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    child.once("error", () => this.#running.delete(child));
    return child;
  }

  /** Asks a process to end, and ends it if it does not. */
  stop(child: ChildProcess): void {
    if (!this.#running.has(child)) return;
    child.kill("SIGTERM");
    setTimeout(() => this.#running.has(child) && child.kill("SIGKILL"), GRACE_SECONDS * 1000).unref();
  }

  stopAll(): void {
    for (const child of this.#running) this.stop(child);
  }

  /** Ends every process at once: this one is about to exit and cannot wait. */
  killAll(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }
}

/** @throws Error if the process could not be started */
export function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}
