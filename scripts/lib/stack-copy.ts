import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { parse, stringify } from "yaml";
import { datacenterEnvironment } from "../cluster/environment.ts";
import { removeStrayStackFile } from "../converge/stray-stack-file.ts";
import { REPOSITORY_ROOT } from "./command-line.ts";
import { stateRoot } from "./roots.ts";

const execute = promisify(execFile);

/** What `npm run -s up -- <stack> --json` prints. */
export interface UpReport {
  readonly settled: boolean;
  readonly changes: Record<"created" | "updated" | "replaced" | "deleted", readonly string[]>;
  readonly drift: readonly string[];
  readonly seconds: number;
}

export interface StatusReport {
  readonly stack: string;
  readonly settled: boolean;
  readonly nodes: readonly { readonly name: string; readonly ready: boolean }[];
  readonly models: readonly {
    readonly name: string;
    readonly stage: string;
    readonly reason: string;
    readonly version: string | null;
    readonly gate: readonly { readonly candidate: string; readonly version: string; readonly rejected?: string }[];
    readonly metrics: Record<string, number> | null;
    readonly endpoint: string | null;
  }[];
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type ModelFile = Record<string, unknown>;
type StackFile = { config: { "millwright:platform": Record<string, unknown>; "millwright:models": ModelFile[] } };

/** What a copy has of the stack `local`. */
export interface StackCopyOptions {
  /** The copy's name: of the stack, of its namespace after `millwright-`, and of its folder of artifacts after `artifacts-`. */
  readonly name: string;
  /** Which of the models. @default all */
  readonly models?: readonly string[];
  /** Parts of a model that are left out. @default none */
  readonly without?: readonly string[];
  /** Whether MLflow stands beside them. @default true */
  readonly tracking?: boolean;
}

/**
 * A stack of its own on the machine's local datacenter: models of stack `local` in another namespace, with another artifact
 * folder, so that a datacenter in use is not disturbed, and nothing of it was done before.
 */
export class StackCopy {
  readonly name: string;
  readonly namespace: string;
  /** A temporary folder of its own, with the stack file in it. */
  readonly folder: string;
  readonly file: string;
  readonly artifacts: string;
  readonly env: NodeJS.ProcessEnv = { ...process.env, ...datacenterEnvironment() };

  constructor({ name, models, without = [], tracking = true }: StackCopyOptions) {
    this.name = name;
    this.namespace = `millwright-${name}`;
    this.folder = mkdtempSync(path.join(tmpdir(), `millwright-${name}-`));
    this.file = path.join(this.folder, `Pulumi.${name}.yaml`);
    this.artifacts = path.join(stateRoot(), `artifacts-${name}`);
    mkdirSync(this.artifacts, { recursive: true });
    const local = parse(readFileSync(path.join(REPOSITORY_ROOT, "stacks/Pulumi.local.yaml"), "utf8")) as StackFile;
    const platform = local.config["millwright:platform"];
    platform["namespace"] = this.namespace;
    if (!tracking) {
      delete platform["tracking"];
    }
    platform["storage"] = { kind: "node", path: this.artifacts, sizeGiB: 5 };
    local.config["millwright:models"] = local.config["millwright:models"]
      .filter((model) => models?.includes(String(model["name"])) ?? true)
      .map((model) => Object.fromEntries(Object.entries(model).filter(([part]) => !without.includes(part))));
    this.write(local);
  }

  /** The names of its models, in the order of the stack file. */
  models(): string[] {
    const current = parse(readFileSync(this.file, "utf8")) as StackFile;
    return current.config["millwright:models"].map((model) => String(model["name"]));
  }

  /** Edits a model of the stack file as a user would. */
  edit(change: (model: ModelFile) => void, name: string): void {
    const current = parse(readFileSync(this.file, "utf8")) as StackFile;
    const model = current.config["millwright:models"].find((each) => each["name"] === name);
    if (model === undefined) {
      throw new Error(`the stack ${this.name} has no model ${name}`);
    }
    change(model);
    this.write(current);
  }

  /** Other models, and another platform where `change` alters it. */
  rewrite(change: (platform: Record<string, unknown>) => ModelFile[]): void {
    const current = parse(readFileSync(this.file, "utf8")) as StackFile;
    current.config["millwright:models"] = change(current.config["millwright:platform"]);
    this.write(current);
  }

  private write(content: StackFile): void {
    writeFileSync(this.file, stringify(content));
  }

  /** `npm run <script> -- <name> ...`, without npm in between. */
  command(script: string, args: readonly string[] = [], onLine?: (line: string) => void): Promise<CommandResult> {
    const wanted = ["scripts/run.sh", script, this.name, "--stack-file", this.file, ...args];
    return runCommand("sh", wanted, this.env, onLine);
  }

  /** @param onLine given each line of its progress as it comes */
  async up(args: readonly string[] = [], onLine?: (line: string) => void): Promise<UpReport> {
    const result = await this.command("up", ["--json", ...args], onLine);
    if (result.code !== 0) {
      throw new Error(`up failed with ${result.code}:\n${result.stderr.slice(-4000)}\n${result.stdout.slice(-1000)}`);
    }
    return JSON.parse(result.stdout) as UpReport;
  }

  async status(): Promise<StatusReport> {
    const result = await this.command("status", ["--json"]);
    return JSON.parse(result.stdout) as StatusReport;
  }

  async pulumi(args: readonly string[]): Promise<CommandResult> {
    return runCommand("pulumi", [...args, "--stack", this.name, "--config-file", this.file], this.env);
  }

  async kubectl(...args: string[]): Promise<string> {
    const { stdout } = await execute("kubectl", args, { env: this.env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  /** Removes everything the stack made, its state and its folders included. */
  async destroy(): Promise<CommandResult> {
    const result = await this.pulumi(["destroy", "--yes", "--skip-preview"]);
    if (result.code === 0) {
      await runCommand("pulumi", ["stack", "rm", this.name, "--yes", "--preserve-config"], this.env);
    }
    removeStrayStackFile(REPOSITORY_ROOT, this.name, this.file);
    rmSync(this.artifacts, { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
    return result;
  }
}

/** Runs a command in the repository's folder; `onLine` is given each line of its stderr as it comes. */
export function runCommand(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine?: (line: string) => void,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: REPOSITORY_ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += String(data);
    });
    child.stderr.on("data", (data) => {
      stderr += String(data);
    });
    if (onLine !== undefined) {
      createInterface({ input: child.stderr }).on("line", onLine);
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
