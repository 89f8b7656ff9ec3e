import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";

export interface PulumiUpOptions {
  /** Folder of Pulumi.yaml. */
  readonly workDir: string;
  readonly stack: string;
  /** Absolute path of the stack file. */
  readonly stackFile: string;
  readonly policyPack: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onEvent: (event: EngineEvent) => void;
  readonly onOutput: (text: string) => void;
  /** Aborting asks the engine to finish the steps under way and stop. */
  readonly signal: AbortSignal;
}

/** A run of the engine that did not end with 0. */
export class PulumiUpError extends Error {
  override readonly name = "PulumiUpError";
  /** What ended it, where no exit code did. */
  readonly signal: NodeJS.Signals | undefined;

  constructor(code: number | null, signal: NodeJS.Signals | null, tail: string) {
    super(
      `pulumi up ${signal === null ? `ended with ${code}` : `was ended by ${signal}`}${tail === "" ? "" : `:\n${tail}`}`,
    );
    this.signal = signal ?? undefined;
  }
}

const POLL_MILLISECONDS = 100;
const TAIL_CHARACTERS = 2000;

/**
 * One `pulumi up` with refresh, and its events as they come. The Automation API runs the same command, and six more around it
 * (version, stacks, selection, outputs twice, history), each a third of a second; nothing here reads what those say.
 *
 * @throws PulumiUpError
 */
export async function pulumiUp(options: PulumiUpOptions): Promise<void> {
  const { workDir, stack, stackFile, policyPack, env, onEvent, onOutput, signal } = options;
  const folder = mkdtempSync(path.join(tmpdir(), "millwright-events-"));
  const events = path.join(folder, "events.jsonl");
  closeSync(openSync(events, "w", 0o600));
  const follower = followLines(events, (line) => onEvent(JSON.parse(line) as EngineEvent));
  const args = [
    ...["up", "--stack", stack, "--config-file", stackFile, "--policy-pack", policyPack, "--event-log", events],
    ...["--yes", "--skip-preview", "--refresh", "--suppress-outputs", "--non-interactive", "--color", "never"],
  ];
  let tail = "";
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn("pulumi", args, {
        cwd: workDir,
        // The command has --event-log only with this, as the Automation API sets it.
        env: { ...process.env, ...env, PULUMI_DEBUG_COMMANDS: "true" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const interrupt = () => child.kill("SIGINT");
      signal.addEventListener("abort", interrupt, { once: true });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          tail = (tail + text).slice(-TAIL_CHARACTERS);
          onOutput(text);
        });
      }
      child.once("error", reject);
      child.once("close", (code, ended) => {
        signal.removeEventListener("abort", interrupt);
        if (code === 0) resolve();
        else reject(new PulumiUpError(code, ended, tail.trim()));
      });
    });
  } finally {
    follower.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls `onLine` with each whole line of a file that another process writes, until `end`, which reads what is left. */
export function followLines(file: string, onLine: (line: string) => void): { end(): void } {
  const handle = openSync(file, "r");
  const buffer = Buffer.alloc(1 << 16);
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const read = () => {
    for (let count = readSync(handle, buffer); count > 0; count = readSync(handle, buffer)) {
      const lines = (rest + decoder.write(buffer.subarray(0, count))).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line !== "") onLine(line);
      }
    }
  };
  const timer = setInterval(read, POLL_MILLISECONDS);
  return {
    end() {
      clearInterval(timer);
      read();
      closeSync(handle);
    },
  };
}
