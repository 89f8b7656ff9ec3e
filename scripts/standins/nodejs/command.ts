import type { JsonObject } from "../lib/values.ts";

/** One node process the language host starts. */
export interface NodeCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What the engine asks to run, in the engine's words. */
export interface ProgramRun {
  readonly monitorAddress: string;
  readonly engineAddress: string;
  readonly project: string;
  readonly stack: string;
  readonly organization: string;
  readonly rootDirectory: string;
  /** Working directory of the program. */
  readonly pwd: string;
  /** Operations at a time; the engine sends 2^31 - 1 for no limit. */
  readonly parallel: number;
  readonly dryRun: boolean;
  /** Module to run, or `.` for what package.json names. */
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly config: Readonly<Record<string, string>>;
  readonly configSecretKeys: readonly string[];
  readonly options: RuntimeOptions;
}

/** `runtime.options` of Pulumi.yaml or PulumiPolicy.yaml. */
export interface RuntimeOptions {
  /** Whether the SDK compiles TypeScript with ts-node. @default true */
  readonly typescript: boolean;
  /** Arguments of node itself. @default none */
  readonly nodeargs: readonly string[];
  readonly tsconfig?: string;
}

const KNOWN_OPTIONS = new Set(["typescript", "nodeargs", "tsconfig", "packagemanager"]);

/**
 * Reads `runtime.options`.
 * @throws Error naming the option, its value and what is allowed
 */
export function runtimeOptions(options: JsonObject): RuntimeOptions {
  for (const name of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(name)) {
      throw new Error(`runtime.options.${name}: the stand-in knows only ${[...KNOWN_OPTIONS].join(", ")}; remove it`);
    }
  }
  const { typescript = true, nodeargs = "", tsconfig } = options;
  if (typeof typescript !== "boolean") {
    throw new Error(`runtime.options.typescript: ${JSON.stringify(typescript)} must be true or false`);
  }
  if (typeof nodeargs !== "string") {
    throw new Error(`runtime.options.nodeargs: ${JSON.stringify(nodeargs)} must be one string`);
  }
  if (tsconfig !== undefined && typeof tsconfig !== "string") {
    throw new Error(`runtime.options.tsconfig: ${JSON.stringify(tsconfig)} must be a path`);
  }
  return { typescript, nodeargs: words(nodeargs), ...(tsconfig === undefined ? {} : { tsconfig }) };
}

/** Splits like a shell does, as far as quotes and backslashes go; nothing is expanded. */
export function words(line: string): string[] {
  const found: string[] = [];
  const pattern = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g;
  for (const [word] of line.matchAll(pattern)) {
    found.push(
      word.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_all, single, double, escaped) =>
        single !== undefined ? single : double !== undefined ? double.replace(/\\(["\\$`])/g, "$1") : escaped,
      ),
    );
  }
  return found;
}

/** The process that runs a program, as the SDK's `cmd/run` expects it. */
export function programCommand(run: ProgramRun, runModule: string, preload: readonly string[]): NodeCommand {
  const flags: Record<string, string> = {
    monitor: run.monitorAddress,
    engine: run.engineAddress,
    organization: run.organization,
    project: run.project,
    stack: run.stack,
    "root-directory": run.rootDirectory,
    pwd: run.pwd,
    ...(run.parallel > 0 ? { parallel: String(run.parallel) } : {}),
  };
  return {
    args: [
      ...nodeArguments(run.options, preload),
      runModule,
      ...Object.entries(flags).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
      ...(run.dryRun ? ["--dry-run"] : []),
      run.entryPoint === "" ? "." : run.entryPoint,
      ...run.args,
    ],
    env: {
      PULUMI_CONFIG: JSON.stringify(run.config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(run.configSecretKeys),
      PULUMI_NODEJS_TYPESCRIPT: String(run.options.typescript),
      ...(run.options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: run.options.tsconfig }),
    },
    cwd: run.pwd,
  };
}

/**
 * The process that runs a policy pack: the SDK's `cmd/run-policy-pack` with the engine's address and the pack. It works
 * in the pack's folder, because @pulumi/policy reads the pack's version from the package.json there.
 */
export function policyPackCommand(
  pack: {
    readonly directory: string;
    readonly args: readonly string[];
    readonly options: RuntimeOptions;
  },
  runModule: string,
  preload: readonly string[],
): NodeCommand {
  return {
    args: [...nodeArguments(pack.options, preload), runModule, ...pack.args, pack.directory],
    env: {},
    cwd: pack.directory,
  };
}

function nodeArguments(options: RuntimeOptions, preload: readonly string[]): string[] {
  return [...preload.flatMap((module) => ["--import", module]), ...options.nodeargs];
}
