import { Failure } from "../lib/failure.ts";
import { awaitDaemon, type Daemon, daemonAt, startDaemon } from "../lib/process.ts";

/** How one daemon is run and how it shows that it works. Whoever starts it chooses where its pid and log files lie. */
export interface DaemonSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Resolves to true when it does its work; throws where nobody answers. */
  readonly probe: () => Promise<boolean>;
  /** Longest time from start to ready. */
  readonly timeoutSeconds: number;
}

/** Starts it unless it runs, and waits until it works. Throws a Failure with the end of its log when it does not. */
export async function startAndAwait(spec: DaemonSpec, files: { pidFile: string; logFile: string }): Promise<Daemon> {
  const { name, command, args, probe, timeoutSeconds } = spec;
  // Otherwise another process's answer would be taken for ours.
  if (daemonAt(files.pidFile) === undefined && (await isAnswering(spec))) {
    throw new Failure(
      `Something else answers already where ${name} should: it is not the process that ${files.pidFile} names`,
      `stop that process (ss -ltnp, ss -lxp), then run this again`,
    );
  }
  const daemon = await startDaemon({ name, command, args, ...files });
  await awaitDaemon(daemon, probe, { timeoutSeconds });
  return daemon;
}

async function isAnswering(spec: DaemonSpec): Promise<boolean> {
  try {
    return await spec.probe();
  } catch {
    // Nobody there, as it should be before the start.
    return false;
  }
}
