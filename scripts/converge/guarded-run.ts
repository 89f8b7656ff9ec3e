import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { identityOf, memberOf } from "../../components/guard/identity.ts";
import type { KnownResource } from "../../components/guard/judge.ts";
import { type RunObject, readRunObjects, writeRunObjects } from "../../components/guard/objects.ts";
import { GUARD_VARIABLES } from "../../components/guard/variables.ts";
import { type ClusterReference, clusterConnection } from "../../components/lifecycle/cluster.ts";
import { Failure } from "../lib/failure.ts";
import { run } from "../lib/process.ts";
import { isHopKubeconfig } from "./hop.ts";
import { type Deployment, type ExportedState, redirectProviders } from "./pending.ts";
import { backendFolder, runObjectsFile, stateFile } from "./stale-lock.ts";
import { clearMadeOnce, strayObjects, sweep } from "./sweep.ts";

export interface GuardedRunOptions {
  /** Folder of Pulumi.yaml. */
  readonly workDir: string;
  readonly project: string;
  readonly stack: string;
  /** The environment of `pulumi` calls. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the stack is Kubernetes alone: what exists is then taken over, and a sweep finds the rest. @default false */
  readonly kubernetesOnly?: boolean;
  /** How the cluster is reached. @default nothing is swept */
  readonly cluster?: () => Promise<ClusterReference | undefined>;
  /** Objects that the user allows to be deleted and made anew, such as `Service shop/web`. @default none */
  readonly replace?: readonly string[];
}

/**
 * What stands around each run of the engine: it tells the program's guard what the state holds, and what the guard refused;
 * and it keeps, beside the state, what runs may have made, so that what an interrupted run left behind is found.
 */
export class GuardedRun {
  readonly #options: GuardedRunOptions;
  /** For what the program and this process tell each other. */
  readonly #folder = mkdtempSync(path.join(tmpdir(), "millwright-run-"));
  /** Undefined where the backend is no folder: it writes each step by itself then. */
  readonly #objects: string | undefined;
  /** An earlier run did not end well, or the state was lost. */
  #wasInterrupted = false;

  constructor(options: GuardedRunOptions) {
    this.#options = options;
    const backend = backendFolder(options.env["PULUMI_BACKEND_URL"]);
    if (backend !== undefined) {
      this.#objects = runObjectsFile(backend, options.project, options.stack);
      mkdirSync(path.dirname(this.#objects), { recursive: true, mode: 0o700 });
    }
  }

  /**
   * What the run's environment needs beside the stack's own. A stack in a folder has its whole state written after each step,
   * which takes quadratic time: left out where an interrupted run loses nothing by it.
   */
  get environment(): Record<string, string> {
    const { kubernetesOnly = false, replace = [] } = this.#options;
    return {
      [GUARD_VARIABLES.refusal]: this.#refusal,
      [GUARD_VARIABLES.replace]: replace.join("\n"),
      ...(this.#objects === undefined
        ? { [GUARD_VARIABLES.state]: this.#exported }
        : { [GUARD_VARIABLES.objects]: this.#objects }),
      ...(kubernetesOnly && this.#objects !== undefined ? { PULUMI_SKIP_CHECKPOINTS: "true" } : {}),
    };
  }

  get #refusal(): string {
    return path.join(this.#folder, "refusal.json");
  }

  get #exported(): string {
    return path.join(this.#folder, "state.json");
  }

  /** Before the engine runs. @returns what was mended, one sentence each */
  async begin(): Promise<string[]> {
    rmSync(this.#refusal, { force: true });
    if (this.#objects === undefined) {
      const exported = await this.#pulumi(["export"]);
      writeFileSync(this.#exported, exported, { mode: 0o600 });
      await this.#undoDetour((JSON.parse(exported) as ExportedState).deployment.resources ?? []);
      return [];
    }
    const state = this.#state();
    await this.#undoDetour(state);
    const recorded = readRunObjects(this.#objects);
    // A state that was lost is empty, though its last run ended well.
    this.#wasInterrupted ||= recorded?.open === true || (recorded !== undefined && state.length === 0);
    return this.#withStrays(clearMadeOnce);
  }

  /**
   * Before a run that failed is tried again: it may have made what it had no answer of.
   *
   * @param reference how the cluster is reached. @default as the options say
   * @returns what was mended, one sentence each
   */
  async beginAgain(reference?: ClusterReference): Promise<string[]> {
    this.#wasInterrupted = true;
    return this.#withStrays(clearMadeOnce, reference);
  }

  /** After a run that ended well. @returns what was swept, one sentence each */
  async finish(): Promise<string[]> {
    if (this.#objects === undefined) return [];
    const swept = await this.#withStrays(sweep);
    const before = readRunObjects(this.#objects);
    const once = new Set(
      before?.objects.filter(({ madeOnce }) => madeOnce === true).map((each) => JSON.stringify(key(each))),
    );
    const objects = this.#state().flatMap(({ type, inputs }): RunObject[] => {
      const identity = identityOf(type, inputs);
      if (identity === undefined) return [];
      return [{ ...identity, ...(once.has(JSON.stringify(key(identity))) ? { madeOnce: true as const } : {}) }];
    });
    writeRunObjects(this.#objects, { open: false, objects });
    this.#wasInterrupted = false;
    return swept;
  }

  /** @throws Failure where the program's guard ended the run */
  throwRefusal(): void {
    let text: string;
    try {
      text = readFileSync(this.#refusal, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    const problems = JSON.parse(text) as string[];
    throw new Failure(
      `Nothing was changed, because something would be lost:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
      "what each of these says",
    );
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Objects of runs that did not end well, and that the state does not know: asked for only where there was such a run. */
  async #withStrays(act: typeof sweep, known?: ClusterReference): Promise<string[]> {
    if (!this.#wasInterrupted || this.#objects === undefined) return [];
    const strays = strayObjects(readRunObjects(this.#objects)?.objects ?? [], this.#state());
    const reference = strays.length === 0 ? undefined : (known ?? (await this.#options.cluster?.()));
    if (reference === undefined) return [];
    const connection = await clusterConnection(reference);
    try {
      return await act(strays, connection);
    } finally {
      connection.close();
    }
  }

  #state(): readonly KnownResource[] {
    const { env, project, stack } = this.#options;
    const backend = backendFolder(env["PULUMI_BACKEND_URL"]);
    if (backend === undefined) return [];
    try {
      const text = readFileSync(stateFile(backend, project, stack), "utf8");
      const { checkpoint } = JSON.parse(text) as { checkpoint?: { latest?: Deployment | null } };
      return checkpoint?.latest?.resources ?? [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** Lets the providers in the state read another kubeconfig: the engine refreshes by them before the program says anything. */
  async redirect(from: string, to: string): Promise<void> {
    const exported = JSON.parse(await this.#pulumi(["export"])) as ExportedState;
    const redirected = redirectProviders(exported, from, to);
    if (redirected !== undefined) await this.#pulumi(["import"], JSON.stringify(redirected));
  }

  /** A run by a detour that was killed left in the state a kubeconfig that is gone. */
  async #undoDetour(state: readonly KnownResource[]): Promise<void> {
    const files = state.map(({ inputs }) => memberOf(inputs, "kubeconfig"));
    const detour = files.find((file) => typeof file === "string" && isHopKubeconfig(file)) as string | undefined;
    const reference = detour === undefined ? undefined : await this.#options.cluster?.();
    if (detour !== undefined && reference !== undefined && "kubeconfig" in reference) {
      await this.redirect(detour, reference.kubeconfig);
    }
  }

  async #pulumi(command: readonly string[], input?: string): Promise<string> {
    const { workDir, stack, env } = this.#options;
    const args = ["stack", ...command, "--stack", stack, "--non-interactive"];
    return (await run("pulumi", args, { cwd: workDir, env, ...(input === undefined ? {} : { input }) })).stdout;
  }
}

function key({ kind, namespace, name }: { kind: string; namespace?: string; name: string }): readonly unknown[] {
  return [kind, namespace ?? "", name];
}
