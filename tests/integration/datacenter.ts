import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { parse, stringify } from "yaml";
import { datacenterEnvironment } from "../../scripts/cluster/environment.ts";
import { removeStrayStackFile } from "../../scripts/converge/stray-stack-file.ts";
import { stateRoot } from "../../scripts/lib/roots.ts";

const execute = promisify(execFile);

export const REPOSITORY = path.join(import.meta.dirname, "../..");
export const STACK = "e2e";
export const NAMESPACE = "millwright-e2e";
export const MODEL = "mail-triage";

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

/** What a test wants of the models of stack `local`. */
export interface TestStackOptions {
  /** Which of them. @default the mail model */
  readonly models?: readonly string[];
  /** Parts of a model that are left out, so that a test takes no longer than what it proves. @default search, compression */
  readonly without?: readonly string[];
  /** Whether MLflow stands beside them. @default false */
  readonly tracking?: boolean;
}

/**
 * A stack of its own on the machine's local datacenter: models of stack `local` in another namespace, with another artifact
 * folder, so that a datacenter in use is not disturbed.
 */
export class TestStack {
  readonly folder = mkdtempSync(path.join(tmpdir(), "millwright-e2e-"));
  readonly file = path.join(this.folder, `Pulumi.${STACK}.yaml`);
  readonly artifacts = path.join(stateRoot(), "artifacts-e2e");
  readonly env: NodeJS.ProcessEnv = { ...process.env, ...datacenterEnvironment() };

  constructor({ models = [MODEL], without = ["search", "compression"], tracking = false }: TestStackOptions = {}) {
    mkdirSync(this.artifacts, { recursive: true });
    const local = parse(readFileSync(path.join(REPOSITORY, "stacks/Pulumi.local.yaml"), "utf8")) as StackFile;
    const platform = local.config["millwright:platform"];
    platform["namespace"] = NAMESPACE;
    if (!tracking) {
      delete platform["tracking"];
    }
    platform["storage"] = { kind: "node", path: this.artifacts, sizeGiB: 5 };
    local.config["millwright:models"] = local.config["millwright:models"]
      .filter(({ name }) => models.includes(String(name)))
      .map((model) => Object.fromEntries(Object.entries(model).filter(([part]) => !without.includes(part))));
    this.write(local);
  }

  /** Edits a model of the stack file as a user would. */
  edit(change: (model: Record<string, unknown>) => void, name: string = MODEL): void {
    const current = parse(readFileSync(this.file, "utf8")) as StackFile;
    const model = current.config["millwright:models"].find((each) => each["name"] === name);
    if (model === undefined) {
      throw new Error(`the test's stack has no model ${name}`);
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

  /** `npm run <script> -- e2e ...`, without npm in between. */
  command(script: string, args: readonly string[] = []): Promise<CommandResult> {
    return run("sh", ["scripts/run.sh", script, STACK, "--stack-file", this.file, ...args], this.env);
  }

  async up(args: readonly string[] = []): Promise<UpReport> {
    const result = await this.command("up", ["--json", ...args]);
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
    return run("pulumi", [...args, "--stack", STACK, "--config-file", this.file], this.env);
  }

  async kubectl(...args: string[]): Promise<string> {
    const { stdout } = await execute("kubectl", args, { env: this.env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  /** Removes everything the stack made, its state and its folders included. */
  async destroy(): Promise<CommandResult> {
    const result = await this.pulumi(["destroy", "--yes", "--skip-preview"]);
    if (result.code === 0) {
      await run("pulumi", ["stack", "rm", STACK, "--yes", "--preserve-config"], this.env);
    }
    removeStrayStackFile(REPOSITORY, STACK, this.file);
    rmSync(this.artifacts, { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
    return result;
  }
}

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: REPOSITORY, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += String(data);
    });
    child.stderr.on("data", (data) => {
      stderr += String(data);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

export interface Classification {
  readonly label: string;
  readonly probability: number;
}

/** One V2 inference request; throws where the endpoint does not answer 200. */
export async function classify(endpoint: string, texts: readonly string[]): Promise<Classification[]> {
  const response = await fetch(`${endpoint}/v2/models/${MODEL}/infer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: [{ name: "text", shape: [texts.length], datatype: "BYTES", data: texts }] }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) {
    throw new Error(`the endpoint answered ${response.status}: ${await response.text()}`);
  }
  const body = (await response.json()) as { outputs: { name: string; data: (string | number)[] }[] };
  const output = (name: string) => body.outputs.find((candidate) => candidate.name === name)?.data ?? [];
  const labels = output("label");
  return labels.map((label, i) => ({ label: String(label), probability: Number(output("probability")[i]) }));
}

/** Waits until `check` returns something, asking once a second. */
export async function eventually<T>(what: string, seconds: number, check: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await check();
    if (found !== undefined) {
      return found;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${seconds} s in vain for ${what}`);
    }
    await sleep(1000);
  }
}
