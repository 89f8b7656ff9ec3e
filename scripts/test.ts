import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Failure, runMain } from "./lib/failure.ts";
import { type Environment, install, prepare } from "./test/environment.ts";
import { GROUPS, namedSuites, STATIC, SUITES, type Suite } from "./test/suites.ts";

const HELP = `Runs the tests of this repository, set-up included.

  npm test                       types, lint and every suite
  npm test -- unit policies      only these
  npm test -- fast               ${GROUPS["fast"]?.join(", ")}: what to run before a commit
  npm test -- unit --grep plan   only tests whose title matches

Suites:
${SUITES.map((suite) => `  ${suite.name.padEnd(12)} ${suite.proves}`).join("\n")}

A suite that needs something this machine cannot give is skipped by name and reason; the rest runs.
Exit code 0: nothing failed. The last line is "N passed, N failed, N skipped".
`;

interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Why a suite did not run. */
  readonly reason?: string;
}

const ROOT = path.join(import.meta.dirname, "..");

/** Runs a command with its output on ours and returns its exit code. */
function passThrough(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

async function staticChecks(): Promise<Outcome> {
  const started = Date.now();
  const checks: [string, string[]][] = [
    ["typescript-native/bin/tsc", ["-p", "."]],
    ["@biomejs/biome/bin/biome", ["check", "."]],
  ];
  let failed = 0;
  for (const [script, args] of checks) {
    const code = await passThrough(process.execPath, [path.join(ROOT, "node_modules", script), ...args], process.env);
    failed += code === 0 ? 0 : 1;
  }
  return { name: STATIC, passed: checks.length - failed, failed, skipped: 0, seconds: elapsed(started) };
}

async function runSuite(suite: Suite, environment: Environment, grep: string | undefined): Promise<Outcome> {
  const started = Date.now();
  const folder = mkdtempSync(path.join(tmpdir(), "millwright-test-"));
  const counts = path.join(folder, "counts.json");
  try {
    const args = [
      path.join(ROOT, "node_modules/mocha/bin/mocha.js"),
      ...suite.files,
      ...(suite.ignore ?? []).flatMap((pattern) => ["--ignore", pattern]),
      ...["--timeout", String(suite.timeoutSeconds * 1000)],
      ...["--reporter", path.join(ROOT, "scripts/test/reporter.ts")],
      ...(grep === undefined ? [] : ["--grep", grep]),
    ];
    const code = await passThrough(process.execPath, args, {
      ...environment.variables,
      MILLWRIGHT_TEST_COUNTS: counts,
    });
    return { ...readCounts(counts, code), name: suite.name, seconds: elapsed(started) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A suite that ended without counts did not run: that is a failure, however it exited. */
function readCounts(file: string, code: number): { passed: number; failed: number; skipped: number } {
  try {
    const counts = JSON.parse(readFileSync(file, "utf8")) as { passed: number; failed: number; skipped: number };
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function elapsed(started: number): number {
  return Math.round((Date.now() - started) / 1000);
}

function summary(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, passed, failed, skipped, seconds, reason }) => {
    const time = `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
    const note = reason === undefined ? "" : `  not run: ${reason}`;
    return `${name.padEnd(12)} ${String(passed).padStart(6)} ${String(failed).padStart(6)} ${String(skipped).padStart(7)} ${time.padStart(7)}${note}`;
  });
  return ["", "suite        passed failed skipped    time", ...rows, ""].join("\n");
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" }, grep: { type: "string", short: "g" } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const known = [STATIC, ...SUITES.map((suite) => suite.name), ...Object.keys(GROUPS)];
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Failure(`There is no suite ${unknown.join(", ")}`, `name some of: ${known.join(", ")}`);
  }
  const named = namedSuites(positionals);
  const wanted = (name: string) => named === undefined || named.has(name);
  const suites = SUITES.filter((suite) => wanted(suite.name));
  const outcomes: Outcome[] = [];
  if (wanted(STATIC) && values.grep === undefined) {
    outcomes.push(await staticChecks());
  }
  const needs = [...new Set(suites.flatMap((suite) => suite.needs))];
  for (const suite of suites) {
    if (suite.needs.length > 0) {
      // Of all of them, before the first: what is built together is compiled once.
      await install(needs);
    }
    const environment = await prepare(suite.needs);
    if (environment.missing !== undefined) {
      outcomes.push({ name: suite.name, passed: 0, failed: 0, skipped: 1, seconds: 0, reason: environment.missing });
      continue;
    }
    try {
      outcomes.push(await runSuite(suite, environment, values.grep));
    } finally {
      await environment.release();
    }
  }
  const total = (key: "passed" | "failed" | "skipped") => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
  process.stdout.write(summary(outcomes));
  process.stdout.write(`${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped\n`);
  return total("failed") === 0 && total("passed") > 0 ? 0 : 1;
}

await runMain(main);
