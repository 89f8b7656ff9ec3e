import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import { CommandError, run } from "../lib/process.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { buildLog, cacheRoot } from "../lib/roots.ts";
import { aptComplaint, ensureDebianPackages } from "../toolchain/debian.ts";
import { requireDisk, requireFolder } from "../toolchain/disk.ts";
import { findOnPath } from "../toolchain/path.ts";
import { dockerHost } from "./docker.ts";
import { REGISTRY, registryHas } from "./registry.ts";
import { SUITE, usableSources } from "./sources.ts";

/** The image that the workloads' images are built from where no image hub can be reached. */
export const BASE_IMAGE = `${REGISTRY}/millwright/base:${SUITE}`;

/** What is in it beside Debian's minimum. */
export const BASE_PACKAGES = ["ca-certificates", "python3", "python3-pip", "python3-venv"] as const;

/** Raised when the way of building changes what is built. */
const RECIPE = 2;
const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const LABEL = "millwright.dev/base";

/** Python's clients carry certificates of their own; these make them trust what the machine trusts. */
const ENVIRONMENT = { PIP_CERT: CA_BUNDLE, REQUESTS_CA_BUNDLE: CA_BUNDLE, SSL_CERT_FILE: CA_BUNDLE };

/** Everything that decides what is in the base image. */
export interface BaseInputs {
  readonly recipe: number;
  readonly suite: string;
  readonly packages: readonly string[];
  readonly arch: string;
  /** Contents of the machine's certificates; they get into the image, for builds behind a proxy that has its own. */
  readonly certificates: string;
}

/** A short name for a set of inputs. */
export function baseVersion(inputs: BaseInputs): string {
  const { recipe, suite, packages, arch, certificates } = inputs;
  const text = JSON.stringify([recipe, suite, [...packages].sort(), arch, certificates]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function baseInputs(): BaseInputs {
  const certificates = existsSync(CA_BUNDLE) ? readFileSync(CA_BUNDLE, "utf8") : "";
  return { recipe: RECIPE, suite: SUITE, packages: BASE_PACKAGES, arch: process.arch, certificates };
}

/** The path of the base image's root file system as a tar file; built from Debian's packages if it is not there. */
export async function ensureBaseArchive(report: Report = stderrReport): Promise<string> {
  const archive = path.join(cacheRoot(), "images", `base-${baseVersion(baseInputs())}.tar`);
  if (existsSync(archive)) {
    return archive;
  }
  requireFolder(cacheRoot(), "MILLWRIGHT_CACHE");
  await ensureDebianPackages(["ca-certificates", "mmdebstrap"], report);
  const lock = path.join(cacheRoot(), "locks", "base");
  const work = async () => {
    if (!existsSync(archive)) {
      requireDisk(cacheRoot(), 2, "to build the base image");
      await report.step("building the base image from Debian packages", () => bootstrap(archive));
    }
  };
  await withLock(lock, "building the base image", work, {
    waitSeconds: 1800,
    onWait: (holder) => report.line(`… waiting for process ${holder.pid}, which is ${holder.owner}`),
  });
  return archive;
}

export interface BaseImageOptions {
  /** The docker daemon that has to have it. @default that of the local datacenter */
  readonly dockerHost?: string;
  /** `host:port/name:tag`. @default BASE_IMAGE */
  readonly reference?: string;
}

/** Makes sure that docker and the registry have the base image. Resolves to its reference. */
export async function ensureBaseImage(options: BaseImageOptions = {}, report: Report = stderrReport): Promise<string> {
  const reference = options.reference ?? BASE_IMAGE;
  const docker = (...args: string[]) =>
    run(dockerClient(), ["--host", options.dockerHost ?? dockerHost(), ...args], { logFile: buildLog("base") });
  const version = baseVersion(baseInputs());
  const imported = (await labelOf(docker, reference)) === version;
  if (imported && (await registryHas(reference))) {
    return reference;
  }
  if (!imported) {
    const archive = await ensureBaseArchive(report);
    await report.step("importing the base image", async () => {
      const changes = [
        `LABEL ${LABEL}=${version}`,
        ...Object.entries(ENVIRONMENT).map(([name, value]) => `ENV ${name}=${value}`),
      ];
      await docker("import", ...changes.flatMap((change) => ["--change", change]), archive, reference);
    });
  }
  await report.step("pushing the base image to the registry", () => docker("push", "--quiet", reference));
  return reference;
}

type Docker = (...args: string[]) => Promise<{ readonly stdout: string }>;

async function labelOf(docker: Docker, reference: string): Promise<string | undefined> {
  const { stdout } = await docker(
    "image",
    "ls",
    "--quiet",
    "--filter",
    `reference=${reference}`,
    "--filter",
    `label=${LABEL}`,
  );
  if (stdout.trim() === "") {
    return undefined;
  }
  const format = `{{index .Config.Labels ${JSON.stringify(LABEL)}}}`;
  return (await docker("image", "inspect", "--format", format, reference)).stdout.trim();
}

function dockerClient(): string {
  return findOnPath("docker") ?? "docker";
}

async function bootstrap(archive: string): Promise<void> {
  mkdirSync(path.dirname(archive), { recursive: true });
  for (const left of readdirSync(path.dirname(archive)).filter((name) => name.startsWith(".base-"))) {
    rmSync(path.join(path.dirname(archive), left), { recursive: true, force: true });
  }
  const folder = mkdtempSync(path.join(path.dirname(archive), ".base-"));
  const logFile = buildLog("base");
  try {
    const sources = path.join(folder, "sources.list");
    const usable = usableSources();
    writeFileSync(sources, usable);
    const draft = path.join(folder, "base.tar");
    const args = [
      "--variant=minbase",
      "--mode=root",
      `--include=${BASE_PACKAGES.join(",")}`,
      '--aptopt=Acquire::Languages "none"',
      "--dpkgopt=path-exclude=/usr/share/man/*",
      "--dpkgopt=path-exclude=/usr/share/locale/*",
      ...(existsSync(CA_BUNDLE) ? [`--customize-hook=copy-in ${CA_BUNDLE} ${path.dirname(CA_BUNDLE)}`] : []),
      SUITE,
      draft,
      ...(usable === "" ? [] : [sources]),
    ];
    await run("mmdebstrap", args, { logFile, env: { TMPDIR: folder, LC_ALL: "C" } });
    renameSync(draft, archive);
  } catch (error) {
    throw error instanceof CommandError
      ? new Failure(
          `The base image could not be built from Debian packages: ${aptComplaint(error.tail) ?? error.message}`,
          `see that apt reaches its archive (apt-get update) and the disk is not full; the whole log is ${logFile}`,
          { cause: error },
        )
      : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
