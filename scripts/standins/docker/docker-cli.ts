import { type ChildProcess, spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";

/** Lines of output an error carries. */
const TAIL_LINES = 25;

export interface DockerRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

/** The docker command line, one process a call; all end with the plugin. */
export class DockerCli {
  readonly #running = new Set<ChildProcess>();

  /**
   * Runs docker and returns its stdout.
   * @throws DockerError with the exit code and the end of the output
   */
  async run({ args, env, onLine }: DockerRun): Promise<string> {
    const child = spawn("docker", args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#running.add(child);
    const tail: string[] = [];
    let stdout = "";
    const take = (line: string): void => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine?.(line);
    };
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
    });
    for (const stream of [child.stdout, child.stderr]) {
      const lines = lineSplitter(take);
      stream.on("data", lines.write);
      stream.on("end", lines.end);
    }
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", resolve);
      });
      if (code !== 0) throw new DockerError(args[0] ?? "", code, tail);
      return stdout;
    } catch (error) {
      if (isMissing(error))
        throw new Error("docker is not installed; install the Debian package docker.io", { cause: error });
      throw error;
    } finally {
      this.#running.delete(child);
    }
  }

  /** Asks every docker process to stop what it does; the daemon cancels a build whose client is gone. */
  stopAll(): void {
    for (const child of this.#running) child.kill("SIGTERM");
  }
}

export class DockerError extends Error {
  readonly output: readonly string[];

  constructor(command: string, code: number | null, output: readonly string[]) {
    super(`docker ${command} failed (${code === null ? "interrupted" : `exit code ${code}`}):\n${output.join("\n")}`);
    this.output = output;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function lineSplitter(take: (line: string) => void) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const flush = (text: string): void => {
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") take(line.trimEnd());
  };
  return {
    write: (data: Buffer): void => flush(decoder.write(data)),
    end: (): void => flush(`${decoder.end()}\n`),
  };
}
