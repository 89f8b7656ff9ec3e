import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { daemonAt } from "../lib/daemon.ts";
import { Failure } from "../lib/failure.ts";
import { clusterLayout } from "./layout.ts";

/** Under /run, which a restart of the machine empties, as it ends every process. */
export const MACHINE_FOLDER = "/run/millwright";
/** Held while the datacenter is being started or stopped. */
export const MACHINE_LOCK = path.join(MACHINE_FOLDER, "lock");
const HOLDER_FILE = path.join(MACHINE_FOLDER, "state-root");

/** Names of the parts of a state root that run now. */
export function runningParts(stateRoot: string): Set<string> {
  const { pids } = clusterLayout(stateRoot);
  try {
    const names = readdirSync(pids).filter((name) => name.endsWith(".json"));
    return new Set(
      names.filter((name) => daemonAt(path.join(pids, name)) !== undefined).map((name) => path.basename(name, ".json")),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return new Set();
    }
    throw error;
  }
}

/** @throws Failure that names the other state root whose datacenter runs on this machine */
export function requireMachine(stateRoot: string): void {
  const holder = readHolder();
  if (holder !== undefined && holder !== stateRoot && runningParts(holder).size > 0) {
    throw new Failure(
      `This machine already runs the local datacenter of ${holder}, and it can run one only`,
      `stop that one with MILLWRIGHT_HOME=${holder} npm run down, or use it by the same setting`,
    );
  }
}

/** Writes down that this state root's datacenter runs on this machine. */
export function claimMachine(stateRoot: string): void {
  requireMachine(stateRoot);
  mkdirSync(MACHINE_FOLDER, { recursive: true });
  writeFileSync(HOLDER_FILE, `${stateRoot}\n`);
}

export function releaseMachine(stateRoot: string): void {
  if (readHolder() === stateRoot) {
    rmSync(HOLDER_FILE, { force: true });
  }
}

function readHolder(): string | undefined {
  try {
    return readFileSync(HOLDER_FILE, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
