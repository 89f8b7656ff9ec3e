import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A process of this machine. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its command line, the program first. */
  readonly command: readonly string[];
}

/** For how long a process that was killed may take to be gone. */
const PATIENCE_SECONDS = 10;

/**
 * Plugins that outlived their engine: programs below a Pulumi home with no living engine above them. Stand-ins are none: they
 * end with the pipe that their engine held. Pure.
 *
 * @param home Pulumi's home, whose folder `plugins` the engine starts plugins from
 */
export function orphanedPlugins(processes: readonly Process[], home: string): Process[] {
  const folder = path.join(home, "plugins") + path.sep;
  const byPid = new Map(processes.map((each) => [each.pid, each]));
  const hasEngine = ({ parent }: Process): boolean => {
    const above = byPid.get(parent);
    return above !== undefined && (isEngine(above) || hasEngine(above));
  };
  return processes.filter((each) => each.command[0]?.startsWith(folder) && !hasEngine(each));
}

/**
 * Ends plugins that outlived their engine: they may still be writing.
 *
 * @returns one sentence each
 * @throws Error where one does not end
 */
export async function endOrphanedPlugins(home: string): Promise<string[]> {
  const orphans = orphanedPlugins(listProcesses(), home);
  for (const { pid } of orphans) kill(pid);
  const end = Date.now() + PATIENCE_SECONDS * 1000;
  for (const { pid, command } of orphans) {
    while (listProcesses().some((each) => each.pid === pid)) {
      if (Date.now() > end) throw new Error(`process ${pid} (${command[0]}) does not end, though it was killed`);
      await sleep(20);
    }
  }
  return orphans.map(
    ({ pid, command }) => `Ended ${path.basename(command[0] ?? "")} (process ${pid}), whose engine was killed.`,
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // Gone in the meantime.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Whether a process is Pulumi's own, and neither a plugin nor a program. */
export function isEngine({ command }: Process): boolean {
  return path.basename(command[0] ?? "") === "pulumi";
}

/** Processes of this user that still run. */
export function listProcesses(): Process[] {
  return process.platform === "linux" ? listOnLinux() : listElsewhere();
}

function listOnLinux(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (statSync(`/proc/${name}`).uid !== process.getuid?.()) return [];
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The program's name, in parentheses, may itself contain spaces and parentheses.
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        return state === "Z" || state === "X" ? [] : [{ pid: Number(name), parent: Number(parent), command }];
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return [];
        throw error;
      }
    });
}

function listElsewhere(): Process[] {
  const text = execFileSync("ps", ["-xo", "pid=,ppid=,command="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command: command.split(" ") }];
  });
}
