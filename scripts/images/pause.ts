import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { withLock } from "../lib/lock.ts";
import { run } from "../lib/process.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { buildLog, cacheRoot, toolPath } from "../lib/roots.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { goEnvironment } from "../toolchain/go.ts";
import { writeImageArchive } from "./archive.ts";

/** The image of the container that holds a pod's namespaces: containerd's `sandbox_image`. */
export const PAUSE_IMAGE = "millwright.dev/pause:1";

const SOURCE = path.join(import.meta.dirname, "pause");

/** The path of an archive of `PAUSE_IMAGE` for `ctr --namespace k8s.io images import`; built if it is not there. */
export async function ensurePauseArchive(report: Report = stderrReport): Promise<string> {
  const source = createHash("sha256")
    .update(readFileSync(path.join(SOURCE, "main.go")))
    .digest("hex");
  const archive = path.join(cacheRoot(), "images", `pause-${process.arch}-${source.slice(0, 12)}.tar`);
  if (existsSync(archive)) {
    return archive;
  }
  await ensureTools(["go"], report);
  const lock = path.join(cacheRoot(), "locks", "pause");
  await withLock(
    lock,
    "building the pause image",
    () => report.step("building the pause image", () => build(archive)),
    {
      waitSeconds: 600,
    },
  );
  return archive;
}

async function build(archive: string): Promise<void> {
  const parent = path.join(cacheRoot(), "build");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, "pause-"));
  try {
    mkdirSync(path.join(folder, "tmp"));
    const binary = path.join(folder, "pause");
    await run(toolPath("go"), ["build", "-ldflags", "-s -w", "-o", binary, "."], {
      cwd: SOURCE,
      env: { ...goEnvironment(folder), GOOS: "linux" },
      logFile: buildLog("pause"),
    });
    const image = { reference: PAUSE_IMAGE, files: { "/pause": binary }, entrypoint: ["/pause"], user: "65535:65535" };
    await writeImageArchive(image, archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
