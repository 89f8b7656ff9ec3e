import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheRoot, toolPath } from "../../../scripts/lib/roots.ts";
import { pulumiEnvironment } from "../../../scripts/standins/environment.ts";
import { installPlugins } from "../../../scripts/standins/install.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** What a finished command left. */
export interface Finished {
  readonly code: number | null;
  /** stdout and stderr in the order they came. */
  readonly output: string;
}

/** A Pulumi project with the real engine and the stand-ins, in a temporary folder. */
export interface Workspace {
  readonly folder: string;
  readonly stack: string;
  readonly env: Record<string, string>;
  write(file: string, content: string): Promise<void>;
  read(file: string): Promise<string>;
  /** Runs `pulumi ARGS --stack STACK --non-interactive` to its end, whatever that is. */
  pulumi(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** Runs a command that takes no stack. */
  plain(args: readonly string[]): Promise<Finished>;
  /** Runs it and fails if it does. */
  succeed(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts it and gives its process. */
  start(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): { child: ChildProcess; done: Promise<Finished> };
  dispose(): Promise<void>;
}

export interface WorkspaceOptions {
  /** Content of index.ts. */
  readonly program: string;
  /** npm packages the program depends on, besides @pulumi/pulumi. @default none */
  readonly packages?: readonly string[];
  readonly project?: string;
  /** Lines under `runtime.options`. @default `typescript: false` */
  readonly runtimeOptions?: readonly string[];
  /** Extra resource plugins, by name: the module to run. */
  readonly providers?: Readonly<Record<string, string>>;
  readonly checkpoints?: boolean;
}

/** Why these tests cannot run here; undefined if they can. */
export function missingEngine(): string | undefined {
  return pulumiFolder() === undefined ? "no pulumi: run `npm run up` once, which installs it" : undefined;
}

/** Skips a suite and says why. */
export function skipWithout(context: Mocha.Context, reason: string | undefined): void {
  if (reason === undefined) return;
  process.stderr.write(`      skipped: ${reason}\n`);
  context.skip();
}

function pulumiFolder(): string | undefined {
  const built = dirname(toolPath("pulumi"));
  return [built, ...(process.env.PATH ?? "").split(delimiter)].find((folder) => existsSync(join(folder, "pulumi")));
}

export async function createWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "millwright-engine-"));
  try {
    return await workspaceIn(root, options);
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw error;
  }
}

async function workspaceIn(root: string, options: WorkspaceOptions): Promise<Workspace> {
  const folder = join(root, "project");
  const stack = "dev";
  await mkdir(folder);
  await mkdir(join(root, "pulumi", "state"), { recursive: true });
  const environment = pulumiEnvironment({
    stateRoot: root,
    cacheRoot: cacheRoot(),
    checkpoints: options.checkpoints ?? true,
  });
  const env: Record<string, string> = {
    ...environment,
    PATH: `${pulumiFolder()}${delimiter}${process.env.PATH}`,
    NO_COLOR: "1",
  };
  const home = environment.PULUMI_HOME ?? "";
  await installPlugins({ pulumiHome: home, env: { ...process.env, ...env }, mode: "instead" });
  for (const [name, module] of Object.entries(options.providers ?? {})) await installProvider(home, name, module);

  await symlink(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  const dependencies = Object.fromEntries(["@pulumi/pulumi", ...(options.packages ?? [])].map((name) => [name, "*"]));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", dependencies }));
  const runtimeOptions = (options.runtimeOptions ?? ["typescript: false"]).map((line) => `    ${line}`).join("\n");
  await writeFile(
    join(folder, "Pulumi.yaml"),
    `name: ${options.project ?? "trial"}\nmain: index.ts\nruntime:\n  name: nodejs\n  options:\n${runtimeOptions}\n`,
  );
  await writeFile(join(folder, "index.ts"), options.program);

  const spawnPulumi = (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const child = spawn("pulumi", [...args, "--non-interactive"], {
      cwd: folder,
      env: { ...process.env, ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    const done = new Promise<Finished>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, output }));
    });
    return { child, done };
  };
  const start: Workspace["start"] = (args, more) => spawnPulumi([...args, "--stack", stack], more);
  const workspace: Workspace = {
    folder,
    stack,
    env,
    write: (file, content) => writeFile(join(folder, file), content),
    read: (file) => readFile(join(folder, file), "utf8"),
    start,
    plain: (args) => spawnPulumi(args).done,
    pulumi: (args, more) => start(args, more).done,
    succeed: async (args, more) => {
      const { code, output } = await start(args, more).done;
      if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
      return output;
    },
    dispose: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
  await workspace.succeed(["stack", "init"]);
  return workspace;
}

async function installProvider(home: string, name: string, module: string): Promise<void> {
  const folder = join(home, "plugins", `resource-${name}-v1.0.0`);
  await mkdir(folder, { recursive: true });
  const file = join(folder, `pulumi-resource-${name}`);
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${module}' "$@"\n`);
  await chmod(file, 0o755);
}

/** Pids of processes whose command line contains a text. */
export async function processesWith(text: string): Promise<number[]> {
  const { readdir } = await import("node:fs/promises");
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return command.includes(text) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Waits until a check holds. */
export async function eventually(check: () => Promise<boolean> | boolean, what: string, seconds = 15): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
