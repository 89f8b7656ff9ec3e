import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Who holds a stack, as Pulumi's file backend writes it down. */
export interface LockOwner {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  /** When the lock was taken, RFC 3339. */
  readonly timestamp: string;
}

/** A lock file, or the rest of one whose writer was killed (`owner` is then undefined). */
export interface LockFile {
  readonly path: string;
  readonly owner: LockOwner | undefined;
}

/** A pid's process may have been started this many seconds after the lock by rounding alone. */
const CLOCK_SLACK_SECONDS = 2;

/** The locks of one stack in a file backend. A backend that does not exist yet has none. */
export function locksOf(backendFolder: string, project: string, stack: string): LockFile[] {
  const folder = join(backendFolder, ".pulumi", "locks", "organization", project, stack);
  return entries(folder)
    .filter((name) => !name.endsWith(".attrs"))
    .map((name) => ({ path: join(folder, name), owner: readOwner(join(folder, name)) }));
}

/**
 * Whether nobody can still work under this lock: its process is gone, or the pid now belongs to a process that started
 * after the lock was taken. A lock of another machine is never stale to us.
 */
export function isStale(lock: LockFile): boolean {
  const { owner } = lock;
  if (owner === undefined) return true;
  if (owner.hostname !== hostname()) return false;
  const started = startedAt(owner.pid);
  if (started === undefined) return true;
  return started.getTime() > Date.parse(owner.timestamp) + CLOCK_SLACK_SECONDS * 1000;
}

/**
 * Removes the locks a killed engine left in a file backend.
 * @param pid of the engine, which must be gone
 * @returns the paths of the locks that were removed
 */
export function releaseLocksOf(pid: number, backendFolder: string): string[] {
  const root = join(backendFolder, ".pulumi", "locks", "organization");
  const locks = entries(root).flatMap((project) =>
    entries(join(root, project)).flatMap((stack) => locksOf(backendFolder, project, stack)),
  );
  const left = locks.filter((lock) => lock.owner?.pid === pid && isStale(lock));
  for (const lock of left) removeLock(lock);
  return left.map(({ path }) => path);
}

/** The folder of a file backend's URL; undefined for other backends, whose locks are theirs to manage. */
export function backendFolder(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith("file://")) return undefined;
  return fileURLToPath(url.replace(/\?.*$/, ""));
}

/** Where a file backend keeps the state of a stack. */
export function stateFile(backend: string, project: string, stack: string): string {
  return join(backend, ".pulumi", "stacks", project, `${stack}.json`);
}

/** Where what the runs of a stack may have made is kept, beside its state. */
export function runObjectsFile(backend: string, project: string, stack: string): string {
  return join(backend, ".millwright", `${project}.${stack}.objects.json`);
}

export function removeLock(lock: LockFile): void {
  rmSync(lock.path, { force: true });
  rmSync(`${lock.path}.attrs`, { force: true });
}

/** When a process started; undefined if there is none of this pid. */
export function startedAt(pid: number): Date | undefined {
  return process.platform === "linux" ? startedOnLinux(pid) : startedElsewhere(pid);
}

function startedOnLinux(pid: number): Date | undefined {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  // The command, in parentheses, may itself contain spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  const ticksPerSecond = 100;
  const secondsAfterBoot = Number(fields[19]) / ticksPerSecond;
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  return new Date(Date.now() - (uptime - secondsAfterBoot) * 1000);
}

function startedElsewhere(pid: number): Date | undefined {
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, LC_ALL: "C" },
    });
    return text.trim() === "" ? undefined : new Date(text.trim());
  } catch {
    // ps ends with 1 when there is no such process.
    return undefined;
  }
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isOwner(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return undefined;
    throw error;
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Partial<Record<keyof LockOwner, unknown>>;
  return typeof fields.pid === "number" && typeof fields.hostname === "string" && typeof fields.timestamp === "string";
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH" || code === "ENOTDIR";
}
