import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../lib/process.ts";
import { cacheRoot } from "../lib/roots.ts";

/** The folder of what runs inside the Jobs. */
export const WORKLOADS = path.resolve(import.meta.dirname, "../../workloads");

/** What the workloads import outside of any container: the trainer's packages, as its image has them. */
export const PYTHON_PACKAGES = ["python3", "python3-sklearn", "python3-torch", "python3-venv"] as const;

/** Debian's Python, as the images have it; what is on PATH may be another that does not see Debian's PyTorch. */
const DEBIAN_PYTHON = "/usr/bin/python3";

/**
 * A Python that sees Debian's packages and, in the versions an image pins, that image's: kept in the cache by what is
 * pinned, since it takes half a minute and up to 400 MB (of Keras 1.5 GB). Needs {@link PYTHON_PACKAGES}.
 */
export async function imagePython(image: "server" | "trainer" | "mlflow" | "keras"): Promise<string> {
  const requirements = path.join(WORKLOADS, image, "requirements.txt");
  const version = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = path.join(cacheRoot(), "python", `${image}-${version}`);
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
