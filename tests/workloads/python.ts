import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { WORKLOADS } from "../../scripts/toolchain/python.ts";

const run = promisify(execFile);

/** The names of the Python test modules, e.g. `test_split`. */
export function testModules(): string[] {
  return readdirSync(path.join(WORKLOADS, "tests"))
    .filter((file) => /^test_\w+\.py$/.test(file))
    .map((file) => path.basename(file, ".py"))
    .sort();
}

/**
 * Runs one module of workloads/tests. Resolves to the number of tests it ran.
 *
 * @throws Error with the output's end when a test failed or none ran.
 */
export async function runModule(python: string, module: string): Promise<number> {
  // What killed processes leave behind (torchrun's folders of logs) goes with it. Open to PostgreSQL's user, who is not ours.
  const temporary = mkdtempSync(path.join(tmpdir(), "mw-py-"));
  chmodSync(temporary, 0o1777);
  try {
    return await runModuleIn(temporary, python, module);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function runModuleIn(temporary: string, python: string, module: string): Promise<number> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", TMPDIR: temporary };
  const options = { cwd: WORKLOADS, env, maxBuffer: 64 * 1024 * 1024 };
  let output: string;
  try {
    output = (await run(python, ["-m", "unittest", `tests.${module}`], options)).stderr;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${module} failed:\n${`${stdout}\n${stderr}`.slice(-8000)}`, { cause: error });
  }
  const count = Number(/^Ran (\d+) tests? in/m.exec(output)?.[1] ?? 0);
  if (count === 0) {
    throw new Error(`${module} ran no test:\n${output.slice(-2000)}`);
  }
  return count;
}
