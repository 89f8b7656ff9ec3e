import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { readRunObjects, writeRunObjects } from "../../components/guard/objects.ts";
import { Failure } from "../lib/failure.ts";
import { run } from "../lib/process.ts";
import { type Deployment, type ExpectedId, type ExportedState, kubernetesId, settlePending } from "./pending.ts";
import { endOrphanedPlugins } from "./plugins.ts";
import { backendFolder, isStale, type LockFile, locksOf, removeLock, runObjectsFile, stateFile } from "./stale-lock.ts";

export interface RecoverOptions {
  /** Folder of Pulumi.yaml. */
  readonly workDir: string;
  /** Name of the stack, e.g. `local`. */
  readonly stack: string;
  /** The environment `pulumi` runs in; it names the backend. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default kubernetesId */
  readonly expectedId?: ExpectedId;
}

/**
 * Makes a stack ready for the next run after a run that was killed: ends plugins that outlived it, removes damaged files and the
 * lock of a process that is gone, and settles the operations that were under way. Does nothing, quickly, if the last run ended by itself.
 * @returns what was repaired, one sentence each
 * @throws Failure if another run is under way, or if the state cannot be read or repaired
 */
export async function recoverStack(options: RecoverOptions): Promise<string[]> {
  const project = projectName(options.workDir);
  const home = options.env.PULUMI_HOME;
  // First of all: they may still be writing, to the cluster and to a state of which the lock is about to be removed.
  const ended = home === undefined ? [] : await endOrphanedPlugins(home);
  const backend = backendFolder(options.env.PULUMI_BACKEND_URL);
  if (backend === undefined) return [...ended, ...(await settle(options))];
  // The lock before the files: those of a run that lives are nobody else's to judge.
  const unlocked = unlock(backend, project, options.stack);
  const repaired = [...ended, ...unlocked, ...mendFiles(backend, project, options.stack)];
  return hasPending(backend, project, options.stack) ? [...repaired, ...(await settle(options))] : repaired;
}

/**
 * Removes files of which a kill left less than the backend can read, before it reads them: descriptions beside the state
 * (`.attrs`, truncated before they are written; without one the backend reads the state all the same), and a state that is
 * empty or cut off, in place of which its backup is taken, where that is whole.
 */
function mendFiles(backend: string, project: string, stack: string): string[] {
  const state = stateFile(backend, project, stack);
  for (const file of [state, `${state}.bak`]) {
    if (existsSync(`${file}.attrs`) && !isJsonObject(`${file}.attrs`)) rmSync(`${file}.attrs`);
  }
  if (!existsSync(state) || isJsonObject(state)) return [];
  reopen(runObjectsFile(backend, project, stack));
  const aside = `${state}.broken-${new Date().toISOString().replaceAll(":", "")}`;
  renameSync(state, aside);
  rmSync(`${state}.attrs`, { force: true });
  if (isJsonObject(`${state}.bak`)) {
    copyFileSync(`${state}.bak`, state);
    return [`The state of the stack ${stack} was damaged: its backup is used, and it is kept as ${aside}.`];
  }
  return [
    `The state of the stack ${stack} was damaged, and is kept as ${aside}: what exists is taken over by the next run.`,
  ];
}

/** Whatever state follows, it does not know all that runs have made: the next run that ends well looks for the rest. */
function reopen(file: string): void {
  const record = readRunObjects(file);
  if (record !== undefined) writeRunObjects(file, { ...record, open: true });
}

function isJsonObject(file: string): boolean {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function unlock(backend: string, project: string, stack: string): string[] {
  return locksOf(backend, project, stack).flatMap((lock) => {
    if (!isStale(lock)) throw heldBy(lock, stack);
    removeLock(lock);
    if (lock.owner === undefined) return [`Removed a broken lock file of the stack ${stack} (${lock.path}).`];
    const { pid, timestamp } = lock.owner;
    return [
      `Removed the lock of a run of the stack ${stack} that was killed (process ${pid}, locked at ${timestamp}).`,
    ];
  });
}

function heldBy(lock: LockFile, stack: string): Failure {
  const { pid, username, hostname, timestamp } = lock.owner ?? { pid: 0, username: "", hostname: "", timestamp: "" };
  return new Failure(
    `The stack ${stack} is in use: process ${pid} of ${username} on ${hostname} locked it at ${timestamp}`,
    `wait for that run to end, or if that machine is gone, remove the lock with: pulumi cancel --stack ${stack}`,
  );
}

async function settle(options: RecoverOptions): Promise<string[]> {
  const pulumi = (args: readonly string[], input?: string) =>
    run("pulumi", [...args, "--stack", options.stack, "--non-interactive"], {
      cwd: options.workDir,
      env: options.env,
      ...(input === undefined ? {} : { input }),
    });
  const exportState = async () => JSON.parse((await pulumi(["stack", "export"])).stdout) as ExportedState;

  const repair = settlePending(await exportState(), options.expectedId ?? kubernetesId);
  if (repair.operations.length === 0) return [];
  await pulumi(["stack", "import"], JSON.stringify(repair.state));
  if (repair.lookFor.length > 0) {
    await pulumi(["refresh", "--yes", "--skip-preview", ...repair.lookFor.flatMap((urn) => ["--target", urn])]);
  }
  const present = new Set(((await exportState()).deployment.resources ?? []).map(({ urn }) => urn));
  return repair.operations.map(({ type, resource }) => {
    const what = `${resource.type} ${resource.urn.split("::").at(-1)}`;
    if (!repair.lookFor.includes(resource.urn)) return `${what}: ${type} was interrupted; the next run does it again.`;
    return present.has(resource.urn)
      ? `${what}: its creation was interrupted, but it is there; taken into the state.`
      : `${what}: its creation was interrupted before it was there; the next run creates it.`;
  });
}

/** Reading the state file itself is much quicker than asking Pulumi, and this is asked before every run. */
function hasPending(backend: string, project: string, stack: string): boolean {
  const path = stateFile(backend, project, stack);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    // Not written yet.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const state = JSON.parse(text) as { readonly checkpoint?: { readonly latest?: Deployment | null } };
  return (state.checkpoint?.latest?.pending_operations ?? []).length > 0;
}

function projectName(workDir: string): string {
  const path = join(workDir, "Pulumi.yaml");
  const project: unknown = parse(readFileSync(path, "utf8"));
  const name = typeof project === "object" && project !== null && "name" in project ? project.name : undefined;
  if (typeof name === "string" && name !== "") return name;
  throw new Failure(`${path} names no project`, "add a line such as `name: millwright`");
}
