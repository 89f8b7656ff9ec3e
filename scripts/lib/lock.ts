import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "./failure.ts";
import { identify, isRunning, type ProcessIdentity } from "./identity.ts";

/** Who holds a lock: what the lock file contains. */
export interface LockHolder extends ProcessIdentity {
  /** What the holder is doing, in words for people. */
  readonly owner: string;
  /** Differs between any two acquisitions. */
  readonly nonce: string;
}

export interface LockOptions {
  /** Seconds to wait for another holder; 0 refuses at once. @default 0 */
  readonly waitSeconds?: number;
  /** Called once when there is somebody to wait for. */
  readonly onWait?: (holder: LockHolder) => void;
}

/**
 * Runs `work` while holding an exclusive lock of this machine: a file that names the process that holds it. A lock whose
 * process is gone is taken over. Throws a Failure that names the holder when it is not free in time.
 */
export async function withLock<T>(
  file: string,
  owner: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const release = await acquireLock(file, owner, options);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Takes the lock and returns how to give it back; a process that ends without doing so gives it back by ending. */
export async function acquireLock(file: string, owner: string, options: LockOptions = {}): Promise<() => void> {
  const deadline = Date.now() + (options.waitSeconds ?? 0) * 1000;
  let told = false;
  for (;;) {
    const holder = tryLock(file, owner);
    if (typeof holder === "function") {
      return holder;
    }
    if (Date.now() >= deadline) {
      throw new Failure(
        `${holder.owner} (process ${holder.pid}) holds ${file}`,
        `wait for it to end, or stop it with kill ${holder.pid}, and run this again`,
      );
    }
    if (!told) {
      told = true;
      options.onWait?.(holder);
    }
    await sleep(200);
  }
}

/** Who holds the lock now; undefined if nobody does. */
export function lockHolder(file: string): LockHolder | undefined {
  const holder = readHolder(file);
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

function tryLock(file: string, owner: string): (() => void) | LockHolder {
  mkdirSync(path.dirname(file), { recursive: true });
  for (;;) {
    const self = { ...ownIdentity(), owner, nonce: randomUUID() };
    if (linkWithContent(file, JSON.stringify(self))) {
      return () => {
        if (readHolder(file)?.nonce === self.nonce) {
          unlinkSync(file);
        }
      };
    }
    const holder = readHolder(file);
    if (holder !== undefined && isRunning(holder)) {
      return holder;
    }
    if (holder !== undefined) {
      removeStale(file, holder);
    }
  }
}

/**
 * Removes the lock of a dead process. Two processes may have seen it; only the one that holds the guard named after this
 * very acquisition may remove it, and only while it is still there: so nobody removes what another has just taken.
 */
function removeStale(file: string, stale: LockHolder): void {
  const release = tryLock(`${file}.${stale.nonce}`, "removing a stale lock");
  if (typeof release !== "function") {
    return;
  }
  try {
    if (readHolder(file)?.nonce === stale.nonce) {
      unlinkSync(file);
    }
  } finally {
    release();
  }
}

/** Creates the file with its whole content in one step; false if it is there already. */
function linkWithContent(file: string, content: string): boolean {
  const draft = `${file}.${randomUUID()}.draft`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return false;
    }
    throw error;
  } finally {
    rmSync(draft);
  }
}

function readHolder(file: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LockHolder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    if (error instanceof SyntaxError) {
      throw new Failure(`${file} is not a lock file of Millwright`, `remove it: rm ${file}`);
    }
    throw error;
  }
}

function ownIdentity(): ProcessIdentity {
  const identity = identify(process.pid);
  if (identity === undefined) {
    throw new Failure("This process cannot read its own start time", "mount /proc, or make ps available");
  }
  return identity;
}
