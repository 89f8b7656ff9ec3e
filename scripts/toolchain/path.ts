import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** The file that a command name stands for; undefined if PATH has none. */
export function findOnPath(command: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  // Debian keeps daemons in sbin, which an ordinary user's PATH leaves out.
  const folders = [...(env.PATH ?? "").split(path.delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => path.resolve(folder, command)).find(isExecutable);
}

/** Whether this is a file, or leads to one, that may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Absent, a dangling link or not ours to run: in each case it is of no use.
    return false;
  }
}
