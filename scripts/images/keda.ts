import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { withLock } from "../lib/lock.ts";
import { run } from "../lib/process.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { buildLog, cacheRoot, toolPath } from "../lib/roots.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { findOnPath } from "../toolchain/path.ts";
import { TOOLS } from "../toolchain/tools.ts";
import { type SmallImage, writeImageArchive } from "./archive.ts";
import { dockerHost } from "./docker.ts";
import { registryHas } from "./registry.ts";

/** Where a pod finds the programs. */
const PROGRAMS = ["keda", "keda-adapter"] as const;

export interface KedaImageOptions {
  /** The docker daemon that pushes it. @default that of the local datacenter */
  readonly dockerHost?: string;
}

/** The image: KEDA's two programs and nothing else. */
export function kedaImage(reference: string): SmallImage {
  return {
    reference,
    files: Object.fromEntries(PROGRAMS.map((program) => [`/${program}`, toolPath("keda", program)])),
    entrypoint: ["/keda"],
    user: "10001:10001",
  };
}

/**
 * Makes sure that the registry has KEDA under `reference`, `host:port/name:tag`; the first time its programs are built,
 * which takes minutes. Quick when it is there.
 *
 * @throws Failure where the programs can be neither found nor built
 */
export async function ensureKedaImage(
  reference: string,
  options: KedaImageOptions = {},
  report: Report = stderrReport,
): Promise<void> {
  if (await registryHas(reference)) {
    return;
  }
  await ensureTools(["keda"], report);
  const lock = path.join(cacheRoot(), "locks", "keda-image");
  await withLock(
    lock,
    "building the image of KEDA",
    () =>
      report.step(`putting KEDA ${TOOLS.keda.version} into the registry`, () => push(kedaImage(reference), options)),
    { waitSeconds: 600 },
  );
}

async function push(image: SmallImage, options: KedaImageOptions): Promise<void> {
  const archive = path.join(cacheRoot(), "images", `keda-${await archiveVersion(image)}.tar`);
  if (!existsSync(archive)) {
    await writeImageArchive(image, archive);
  }
  const docker = (...args: string[]) =>
    run(findOnPath("docker") ?? "docker", ["--host", options.dockerHost ?? dockerHost(), ...args], {
      logFile: buildLog("keda-image"),
    });
  await docker("load", "--quiet", "--input", archive);
  await docker("push", "--quiet", image.reference);
}

/** A short name for what is in the image and what it is called. */
async function archiveVersion({ reference, files, entrypoint, user }: SmallImage): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([reference, entrypoint, user]));
  for (const [inside, outside] of Object.entries(files)) {
    hash.update(inside);
    await pipeline(createReadStream(outside), hash, { end: false });
  }
  return hash.digest("hex").slice(0, 12);
}
