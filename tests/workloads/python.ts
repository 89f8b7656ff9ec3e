import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { cacheRoot } from "../../scripts/lib/roots.ts";

const run = promisify(execFile);

export const WORKLOADS = path.resolve(import.meta.dirname, "../../workloads");

/** Debian's Python, as the images have it; what is on PATH may be another that does not see Debian's PyTorch. */
export const DEBIAN_PYTHON = "/usr/bin/python3";

/** The names of the Python test modules, e.g. `test_split`. */
export function testModules(): string[] {
  return readdirSync(path.join(WORKLOADS, "tests"))
    .filter((file) => /^test_\w+\.py$/.test(file))
    .map((file) => path.basename(file, ".py"))
    .sort();
}

/**
 * A Python that sees Debian's packages and, in the versions the server's image pins, the server's: kept in the cache by
 * what is pinned, since it takes half a minute and 400 MB.
 */
export async function serverPython(): Promise<string> {
  const requirements = path.join(WORKLOADS, "server/requirements.txt");
  const version = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = path.join(cacheRoot(), "python", `server-${version}`);
  const python = path.join(folder, "bin/python");
  const complete = path.join(folder, "complete");
  if (!existsSync(complete)) {
    // A virtual environment cannot be moved, so it is made in its place and marked when it is whole.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.dirname(folder), { recursive: true });
    await run(DEBIAN_PYTHON, ["-m", "venv", "--system-site-packages", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", requirements]);
    writeFileSync(complete, "");
  }
  return python;
}

/**
 * Runs one module of workloads/tests. Resolves to the number of tests it ran.
 *
 * @throws Error with the output's end when a test failed or none ran.
 */
export async function runModule(python: string, module: string): Promise<number> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
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
