import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import { CommandError, type RunResult, run } from "../lib/process.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { buildLog, cacheRoot } from "../lib/roots.ts";
import { requireFolder } from "./disk.ts";
import { findOnPath, isExecutable } from "./path.ts";

interface DebianPackage {
  /** A command or file that shows that it, or another vendor's package of the same, is there. */
  readonly provides: string;
  /** Services of it that Debian would start at the next boot, in the way of ours. */
  readonly services?: readonly string[];
}

/** Every Debian package that the scripts can ask for. */
export const DEBIAN_PACKAGES = {
  "ca-certificates": { provides: "/etc/ssl/certs/ca-certificates.crt" },
  conntrack: { provides: "conntrack" },
  containerd: { provides: "containerd", services: ["containerd.service"] },
  "containernetworking-plugins": { provides: "/usr/lib/cni/bridge" },
  "docker.io": { provides: "dockerd", services: ["docker.service", "docker.socket"] },
  "docker-registry": { provides: "docker-registry", services: ["docker-registry.service"] },
  "golang-go": { provides: "go" },
  haproxy: { provides: "haproxy", services: ["haproxy.service"] },
  iproute2: { provides: "ip" },
  iptables: { provides: "iptables" },
  mmdebstrap: { provides: "mmdebstrap" },
  mount: { provides: "mount" },
  openssl: { provides: "openssl" },
  "postgresql-15": { provides: "/usr/lib/postgresql/15/bin/postgres", services: ["postgresql.service"] },
  prometheus: { provides: "promtool", services: ["prometheus.service"] },
  python3: { provides: "python3" },
  "python3-sklearn": { provides: "/usr/lib/python3/dist-packages/sklearn/__init__.py" },
  "python3-torch": { provides: "/usr/lib/python3/dist-packages/torch/__init__.py" },
  "python3-venv": { provides: "/usr/share/doc/python3-venv" },
  runc: { provides: "runc" },
} as const satisfies Record<string, DebianPackage>;

export type DebianPackageName = keyof typeof DEBIAN_PACKAGES;

/** What a node needs: containers, their network, and the images' way to them. */
export const NODE_PACKAGES: readonly DebianPackageName[] = [
  "ca-certificates",
  "conntrack",
  "containerd",
  "containernetworking-plugins",
  "docker.io",
  "docker-registry",
  "iproute2",
  "iptables",
  "mmdebstrap",
  "mount",
  "openssl",
  "runc",
];

/** Those of `names` that this machine lacks, sorted. */
export function missingPackages(names: readonly DebianPackageName[]): readonly DebianPackageName[] {
  const there = (provides: string) =>
    provides.startsWith("/") ? existsSync(provides) : findOnPath(provides) !== undefined;
  return [...new Set(names)].filter((name) => !there(DEBIAN_PACKAGES[name].provides)).sort();
}

/**
 * Installs what is missing in one call of apt, without starting a service and without leaving one to start at boot. Throws a
 * Failure where this is not Debian, not root, or apt fails.
 */
export async function ensureDebianPackages(
  names: readonly DebianPackageName[],
  report: Report = stderrReport,
): Promise<void> {
  if (missingPackages(names).length === 0) {
    return;
  }
  requireFolder(cacheRoot(), "MILLWRIGHT_CACHE");
  const lock = path.join(cacheRoot(), "locks", "debian");
  const work = async () => {
    const missing = missingPackages(names);
    if (missing.length > 0) {
      await install(missing, report);
    }
  };
  await withLock(lock, "installing Debian packages", work, {
    waitSeconds: 1800,
    onWait: (holder) => report.line(`… waiting for process ${holder.pid}, which is ${holder.owner}`),
  });
}

async function install(missing: readonly DebianPackageName[], report: Report): Promise<void> {
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (!isExecutable("/usr/bin/apt-get")) {
    throw new Failure(
      `This machine lacks ${missing.map((name) => DEBIAN_PACKAGES[name].provides).join(", ")} and has no apt to install them`,
      `install what Debian calls ${missing.join(", ")}`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Failure(
      `This machine lacks the Debian packages ${missing.join(", ")}`,
      `install them as root: ${command}`,
    );
  }
  const logFile = buildLog("debian");
  const env = { ...APT_ENVIRONMENT, PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin` };
  const apt = (args: readonly string[]) =>
    run("apt-get", ["-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0", ...args], { env, logFile });
  await report.step(`installing Debian packages: ${missing.join(", ")}`, async (note) => {
    await withoutServiceStarts(async () => {
      // What an interrupted call left half done would make the next one refuse.
      const repair = await outputOf(run("dpkg", ["--configure", "-a"], { env, logFile }));
      note("apt-get update");
      const update = await outputOf(apt(["update"]));
      note("apt-get install");
      await apt(["install", "--yes", "--no-install-recommends", ...missing]).catch((error: unknown) => {
        throw error instanceof CommandError ? explain(error, [repair, update], missing, logFile) : error;
      });
    });
    await keepFromBooting(missing.flatMap((name) => servicesOf(name)));
  });
  const still = missingPackages(missing);
  if (still.length > 0) {
    throw new Failure(
      `apt installed ${still.join(", ")}, but ${still.map((name) => DEBIAN_PACKAGES[name].provides).join(", ")} is not there`,
      `see what these packages hold: dpkg --listfiles ${still.join(" ")}`,
    );
  }
}

const APT_ENVIRONMENT = {
  APT_LISTCHANGES_FRONTEND: "none",
  DEBIAN_FRONTEND: "noninteractive",
  LC_ALL: "C",
  NEEDRESTART_SUSPEND: "1",
};

function servicesOf(name: DebianPackageName): readonly string[] {
  const entry: DebianPackage = DEBIAN_PACKAGES[name];
  return entry.services ?? [];
}

/** A command's output, also when it fails: another vendor's broken archive need not matter to what is wanted. */
async function outputOf(command: Promise<RunResult>): Promise<string> {
  try {
    return (await command).stderr;
  } catch (error) {
    if (error instanceof CommandError) {
      return error.tail;
    }
    throw error;
  }
}

function explain(error: CommandError, before: readonly string[], missing: readonly string[], logFile: string): Failure {
  return new Failure(
    `apt could not install ${missing.join(", ")}: ${aptComplaint(...before, error.tail) ?? error.message}`,
    `see that apt reaches its archive (apt-get update), then run this again; the whole log is ${logFile}`,
    { cause: error },
  );
}

/** Why apt failed, in its own words: where it could not fetch, that explains every later complaint. */
export function aptComplaint(...outputs: readonly string[]): string | undefined {
  const lines = outputs.flatMap((output) => output.split("\n"));
  const complaint =
    lines.find((line) => /^[EW]: Failed to fetch/.test(line)) ?? lines.find((line) => line.startsWith("E: "));
  return complaint?.slice(3).replace(/\s+/g, " ").trim();
}

const POLICY = "/usr/sbin/policy-rc.d";
const POLICY_TEXT = "#!/bin/sh\n# Written by Millwright for the time of one apt call; safe to remove.\nexit 101\n";

/** Debian's own way to say that installing a package starts nothing. A policy that is there already is left alone. */
async function withoutServiceStarts(work: () => Promise<void>): Promise<void> {
  const foreign = existsSync(POLICY) && readFileSync(POLICY, "utf8") !== POLICY_TEXT;
  if (foreign) {
    return work();
  }
  const remove = () => rmSync(POLICY, { force: true });
  writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
  process.once("exit", remove);
  try {
    await work();
  } finally {
    process.removeListener("exit", remove);
    remove();
  }
}

/** Our own daemons take these services' place; only those that came with this very call are touched. */
async function keepFromBooting(services: readonly string[]): Promise<void> {
  if (services.length > 0 && existsSync("/run/systemd/system")) {
    await run("systemctl", ["disable", ...services]);
  }
}
