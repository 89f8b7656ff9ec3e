import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../lib/process.ts";
import { cacheRoot } from "../lib/roots.ts";

/** The release of botocore, AWS's own client for Python, whose descriptions of AWS's APIs are read. */
export const BOTOCORE_VERSION = "1.44.8";

/** Debian's Python, as in python.ts. */
const DEBIAN_PYTHON = "/usr/bin/python3";

/**
 * The folder of the descriptions of AWS's APIs, `<service>/<date>/service-2.json.gz`, as botocore carries them: kept in the
 * cache by release, since it is 200 MB. Needs python3-venv and a package index.
 */
export async function awsModelsFolder(): Promise<string> {
  const folder = path.join(cacheRoot(), "python", `botocore-${BOTOCORE_VERSION}`);
  const complete = path.join(folder, "complete");
  if (!existsSync(complete)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.dirname(folder), { recursive: true });
    await run(DEBIAN_PYTHON, ["-m", "venv", folder]);
    const requirement = `botocore==${BOTOCORE_VERSION}`;
    await run(path.join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", "--no-deps", requirement]);
    writeFileSync(complete, "");
  }
  const libraries = path.join(folder, "lib");
  const python = readdirSync(libraries).find((name) => name.startsWith("python"));
  if (python === undefined) {
    throw new Error(`${libraries} has no Python in it; remove ${folder} and try again`);
  }
  return path.join(libraries, python, "site-packages", "botocore", "data");
}
