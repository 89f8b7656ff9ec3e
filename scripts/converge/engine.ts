import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { parse } from "yaml";
import { GUARD_VARIABLES } from "../../components/guard/variables.ts";
import { ApiError, type ClusterReference, clusterConnection } from "../../components/lifecycle/cluster.ts";
import { Failure } from "../lib/failure.ts";
import { CommandError, run } from "../lib/process.ts";
import { addEvent, type Changes, mergeChanges, NO_CHANGES } from "./changes.ts";
import { GuardedRun, type GuardedRunOptions } from "./guarded-run.ts";
import { openHop } from "./hop.ts";
import { pulumiUp } from "./pulumi-up.ts";
import { backendFolder, stateFile } from "./stale-lock.ts";
import { removeStrayStackFile } from "./stray-stack-file.ts";
import { backOff, isTransient } from "./transient.ts";

export interface EngineOptions extends Pick<GuardedRunOptions, "kubernetesOnly" | "cluster" | "replace"> {
  readonly repositoryRoot: string;
  readonly stackName: string;
  /** Absolute path of the stack file. */
  readonly stackFile: string;
  /** The environment of `npm run env`, complete. */
  readonly env: Readonly<Record<string, string>>;
  /** Called for each event, for progress. */
  readonly onEvent: (event: EngineEvent) => void;
  /** The engine's own output, for the log. */
  readonly onOutput: (text: string) => void;
  /** Aborting asks the engine to finish the steps under way and stop. */
  readonly signal: AbortSignal;
  /** Whether the user asked to stop: the engine's failure to finish is then no failure. */
  readonly interrupted: () => boolean;
  /** Told what was mended or swept of runs before, one sentence each. @default nobody */
  readonly onRepair?: (sentence: string) => void;
}

/** The engine on one stack. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #guarded: GuardedRun;

  private constructor(options: EngineOptions, guarded: GuardedRun) {
    this.#options = options;
    this.#guarded = guarded;
  }

  static async open(options: EngineOptions): Promise<Engine> {
    requirePulumi(options.env);
    const text = await readFile(path.join(options.repositoryRoot, "Pulumi.yaml"), "utf8");
    const project = (parse(text) as { readonly name: string }).name;
    await ensureStack(options, project);
    const { repositoryRoot: workDir, stackName: stack } = options;
    return new Engine(options, new GuardedRun({ ...options, workDir, project, stack }));
  }

  /** Removes what runs have put into temporary folders. */
  close(): void {
    this.#guarded.close();
  }

  /**
   * One `pulumi up` with refresh and the policy pack, and what stands around it. Interrupted, it returns what was changed until
   * then.
   *
   * @throws Failure that carries what the guard refused, the policy violations, or else the engine's errors.
   */
  async up(): Promise<Changes> {
    const { onRepair = () => {}, interrupted } = this.#options;
    for (const sentence of await this.#guarded.begin()) onRepair(sentence);
    const changes = await this.#runPatiently(onRepair);
    if (!interrupted()) {
      for (const sentence of await this.#guarded.finish()) onRepair(sentence);
    }
    return changes;
  }

  /**
   * Runs the engine until it ends well, or for a reason that does not pass. The official provider asks once: one answer of 500
   * among hundreds ends a run. So the runs after such a one go by a hop that asks again, where the cluster has a kubeconfig file.
   */
  async #runPatiently(say: (sentence: string) => void): Promise<Changes> {
    let changes = NO_CHANGES;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const made = await (attempt === 1 ? this.#run() : this.#runAgain(say));
        return mergeChanges(changes, made);
      } catch (error) {
        const pause = error instanceof TransientFailure ? backOff(attempt) : undefined;
        if (!(error instanceof TransientFailure) || pause === undefined || this.#options.interrupted()) throw error;
        changes = mergeChanges(changes, { ...error.changes, errors: [] });
        say(`The API server, or the way to it, failed for now; trying again in ${pause} s. ${reasonOf(error)}`);
        await sleep(pause * 1000, undefined, { signal: this.#options.signal }).catch(() => {});
      }
    }
  }

  async #runAgain(say: (sentence: string) => void): Promise<Changes> {
    const reference = await this.#options.cluster?.();
    if (reference !== undefined) await untilAnswered(reference, this.#options.signal);
    if (reference === undefined || !("kubeconfig" in reference)) {
      // Where the cluster cannot be asked, the run that follows fails too, and says why.
      for (const sentence of await this.#guarded.beginAgain(reference).catch(() => [])) say(sentence);
      return this.#run();
    }
    const hop = await openHop(reference);
    try {
      const { context } = reference;
      for (const sentence of await this.#guarded.beginAgain({ kubeconfig: hop.kubeconfig, context })) say(sentence);
      await this.#guarded.redirect(reference.kubeconfig, hop.kubeconfig);
      return await this.#run({ [GUARD_VARIABLES.kubeconfig]: hop.kubeconfig, KUBECONFIG: hop.kubeconfig });
    } finally {
      await this.#guarded.redirect(hop.kubeconfig, reference.kubeconfig);
      await hop.close();
    }
  }

  async #run(detour: Readonly<Record<string, string>> = {}): Promise<Changes> {
    const { env, onEvent, onOutput, signal, repositoryRoot, stackName, stackFile } = this.#options;
    let changes = NO_CHANGES;
    try {
      await pulumiUp({
        workDir: repositoryRoot,
        stack: stackName,
        stackFile,
        policyPack: path.join(repositoryRoot, "policies"),
        env: { ...env, ...this.#guarded.environment, ...detour },
        signal,
        onOutput,
        onEvent: (event) => {
          changes = addEvent(changes, event);
          onEvent(event);
        },
      });
    } catch (error) {
      if (!this.#options.interrupted()) {
        this.#guarded.throwRefusal();
        const failure = engineFailure(changes, error);
        throw isTransient(reasonsOf(changes, error)) ? new TransientFailure(failure, changes) : failure;
      }
    } finally {
      removeStrayStackFile(repositoryRoot, this.#options.stackName, stackFile);
    }
    return changes;
  }
}

/** For how long an API server that is away is waited for before the run is tried all the same, and says why it fails. */
const AWAY_SECONDS = 120;

/**
 * Waits until the API server tells its version. The provider takes one that does not for one of years ago, and waits minutes
 * for what no server of today does.
 */
async function untilAnswered(reference: ClusterReference, signal: AbortSignal): Promise<void> {
  const connection = await clusterConnection(reference);
  try {
    for (const end = Date.now() + AWAY_SECONDS * 1000; Date.now() < end && !signal.aborted; ) {
      const status = await connection.get("/version").then(
        () => 200,
        (error: unknown) => (error instanceof ApiError ? error.status : undefined),
      );
      if (status !== undefined && status !== 429 && status < 500) return;
      await sleep(1000, undefined, { signal }).catch(() => {});
    }
  } finally {
    connection.close();
  }
}

/** A run that ended for a reason that passes, and what it had changed by then. */
class TransientFailure extends Failure {
  readonly changes: Changes;

  constructor(failure: Failure, changes: Changes) {
    super(failure.message, failure.remedy, { cause: failure.cause });
    this.changes = changes;
  }
}

/** The first of the engine's reasons, for a line of progress. */
function reasonOf({ message }: Failure): string {
  return (message.split("\n")[1] ?? message).trim();
}

/**
 * Creates the stack's state if there is none. Not in the repository's folder, where Pulumi would also make a stack file for a
 * stack whose file lies elsewhere.
 */
async function ensureStack({ stackName, env }: EngineOptions, project: string): Promise<void> {
  const backend = backendFolder(env["PULUMI_BACKEND_URL"]);
  if (backend !== undefined && existsSync(stateFile(backend, project, stackName))) {
    return;
  }
  const folder = await mkdtemp(path.join(tmpdir(), "millwright-stack-"));
  const pulumi = (args: readonly string[]) => run("pulumi", [...args, "--non-interactive"], { cwd: folder, env });
  try {
    await writeFile(path.join(folder, "Pulumi.yaml"), JSON.stringify({ name: project, runtime: "nodejs" }));
    const known = JSON.parse((await pulumi(["stack", "ls", "--json"])).stdout) as readonly { readonly name: string }[];
    if (!known.some(({ name }) => name.split("/").at(-1) === stackName)) {
      await pulumi(["stack", "init", stackName]).catch((error: unknown) => {
        // Another first run was faster: the stack's lock is what decides between the two.
        if (!(error instanceof CommandError)) throw error;
        if (!error.tail.includes("already exists")) throw lockedFailure(error.tail) ?? error;
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

function requirePulumi(env: Readonly<Record<string, string>>): void {
  if (!(env["PATH"] ?? "").split(path.delimiter).some((entry) => existsSync(path.join(entry, "pulumi")))) {
    throw new Failure("There is no pulumi on PATH", "run `npm run up`, which installs it, or install Pulumi 3.259.0");
  }
}

/** What a user reads when a run of the engine failed: policy violations first, since they are the user's own rules. */
export function engineFailure(changes: Changes, error: unknown): Failure {
  if (changes.violations.length > 0) {
    return new Failure(
      `${changes.violations.length} policy violation(s) stopped the run before the objects were made:\n${indent(changes.violations)}`,
      "change the stack file or the workload so that it keeps the policy (docs/policies.md)",
    );
  }
  const reasons = reasonsOf(changes, error);
  return (
    lockedFailure(reasons.join("\n")) ??
    new Failure(
      `The run of the engine failed:\n${indent(reasons)}`,
      "mend the cause and run this again: it goes on where it stopped",
    )
  );
}

/** What a user reads where two runs meet; undefined where the engine's text tells of no lock. */
function lockedFailure(text: string): Failure | undefined {
  const lock = text.match(LOCKED);
  return lock === null
    ? undefined
    : new Failure(
        `Another run has the stack: its lock was made by ${lock[1]?.trim()}`,
        "wait for that run to end; or if it is gone for good, remove its lock with: pulumi cancel",
      );
}

/** The engine's own words where two runs meet, and in them who holds the lock. */
const LOCKED = /the stack is currently locked by \d+ lock\(s\).*?created by ([^\n]*)/s;

/** What the engine itself said, else how it ended. */
function reasonsOf({ violations, errors }: Changes, error: unknown): readonly string[] {
  if (violations.length > 0) {
    return violations;
  }
  const reasons = errors.filter((reason) => !/^(update|preview) failed$/.test(reason));
  return reasons.length > 0 ? reasons : [error instanceof Error ? error.message : String(error)];
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `  ${line.trim().replaceAll("\n", "\n  ")}`).join("\n");
}
