import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { buildLog, cacheRoot, toolFolder, toolPath } from "../lib/roots.ts";
import { ensureDebianPackages } from "./debian.ts";
import { requireDisk, requireFolder } from "./disk.ts";
import { closeWorkshop, compile, fetchGoToolchain, fetchModules, type GoWorkshop, keepOfModules } from "./go.ts";
import { answers, download } from "./official.ts";
import { findOnPath, isExecutable } from "./path.ts";
import { binariesOf, buildDiskGiB, TOOL_NAMES, TOOLS, type ToolName } from "./tools.ts";
import { askVersion, serves } from "./version.ts";

/** Longer than any build takes. */
const LOCK_SECONDS = 2 * 3600;

/** Where a tool's binaries came from. */
export type Origin = "path" | "official" | "built";

/**
 * Makes sure that each tool is at `toolPath(name, binary)`: from PATH where the right version is there, else from its
 * project's own download where that answers, else built. Does nothing, quickly, for those that are there. Safe to
 * interrupt and to run twice at once. Throws a Failure that says what could not be had and what to do.
 */
export async function ensureTools(names: readonly ToolName[], report: Report = stderrReport): Promise<void> {
  if ((await absentTools(names)).length === 0) {
    return;
  }
  requireFolder(cacheRoot(), "MILLWRIGHT_CACHE");
  const lock = path.join(cacheRoot(), "locks", "tools");
  const work = async () => {
    const needed = await absentTools(names);
    const adopted = await Promise.all(needed.map((name) => adopt(name, report)));
    await buildAll(
      needed.filter((_name, index) => adopted[index] !== true),
      report,
    );
  };
  await withLock(lock, `installing ${names.join(", ")}`, work, {
    waitSeconds: LOCK_SECONDS,
    onWait: (holder) => report.line(`… waiting for process ${holder.pid}, which is ${holder.owner}`),
  });
}

/** Those of `names` that are not there yet, in the order in which they are built. */
export async function absentTools(names: readonly ToolName[]): Promise<readonly ToolName[]> {
  const checked = await Promise.all(names.map(async (name) => ({ name, present: await isPresent(name) })));
  return TOOL_NAMES.filter((name) => checked.some((entry) => entry.name === name && !entry.present));
}

/** Whether a tool is there to be run. What was taken from PATH may have changed since, so it is asked again. */
export async function isPresent(name: ToolName): Promise<boolean> {
  const binaries = binariesOf(name).map((binary) => toolPath(name, binary));
  if (!binaries.every(isExecutable)) {
    return false;
  }
  return originOf(name) !== "path" || serves(name, await askVersion(name, toolPath(name, TOOLS[name].check.binary)));
}

/** Where an installed tool came from; undefined if it is not there. */
export function originOf(name: ToolName): Origin | undefined {
  const binary = toolPath(name, TOOLS[name].check.binary);
  if (!existsSync(binary)) {
    return undefined;
  }
  if (lstatSync(binary).isSymbolicLink()) {
    return "path";
  }
  return existsSync(path.join(toolFolder(name), OFFICIAL)) ? "official" : "built";
}

/** Marks the folder of a tool that is its project's own download. */
const OFFICIAL = "official";

/** Takes a tool from PATH or from its project; false if it has to be built. */
async function adopt(name: ToolName, report: Report): Promise<boolean> {
  const { onPath, official, version, check } = TOOLS[name];
  const found = onPath === undefined ? undefined : findOnPath(check.binary);
  if (found !== undefined && serves(name, await askVersion(name, found))) {
    await install(name, async (folder) => {
      mkdirSync(path.join(folder, "bin"));
      symlinkSync(realpathSync(found), path.join(folder, "bin", check.binary));
    });
    return true;
  }
  const url = official?.(process.platform, process.arch);
  if (url === undefined || !(await answers(url))) {
    return false;
  }
  await report.step(`downloading ${name} ${version}`, () =>
    install(name, async (folder) => {
      await download(url, path.join(folder, "bin")).catch((error: Error) => {
        throw new Failure(`${url} could not be downloaded: ${error.message}`, "run this again", { cause: error });
      });
      mkdirSync(path.join(folder, OFFICIAL));
    }),
  );
  return true;
}

/** Compiling uses every core, so builds follow one another; the modules of the next are fetched meanwhile. */
async function buildAll(names: readonly ToolName[], report: Report): Promise<void> {
  if (names.length === 0) {
    return;
  }
  requireDisk(cacheRoot(), buildDiskGiB(names), `to build ${names.join(", ")}`);
  const go = await ensureGo(report);
  const workshops = names.flatMap((tool): GoWorkshop[] => {
    const build = TOOLS[tool].from;
    return build.kind === "goBuild" ? [{ go, tool, build }] : [];
  });
  const fetch = (workshop: GoWorkshop) =>
    report.step(`fetching the Go modules of ${workshop.tool}`, () => fetchModules(workshop));
  let fetching = settled(workshops[0] === undefined ? undefined : fetch(workshops[0]));
  for (const [index, workshop] of workshops.entries()) {
    const packages = await (await fetching)();
    const next = workshops[index + 1];
    fetching = settled(next === undefined ? undefined : fetch(next));
    await buildOne(workshop, packages ?? 0, report).catch(async (error) => {
      await fetching;
      throw error;
    });
  }
  closeWorkshop();
}

async function buildOne(workshop: GoWorkshop, packages: number, report: Report): Promise<void> {
  const { tool } = workshop;
  rmSync(buildLog(tool), { force: true });
  await report.step(`building ${tool} ${TOOLS[tool].version}`, (note) =>
    install(tool, async (folder) => {
      const bin = path.join(folder, "bin");
      mkdirSync(bin);
      await compile(workshop, bin, packages, note);
      await keepOfModules(workshop, folder);
    }),
  );
}

/** The Go that builds the others. A Go that is too old, or Debian's, fetches a new one. */
async function ensureGo(report: Report): Promise<string> {
  if (!(await isPresent("go")) && !(await adopt("go", report))) {
    await report.step(`fetching Go ${TOOLS.go.version}`, async () => {
      const old = findOnPath("go") ?? (await debianGo(report));
      await install("go", (folder) => fetchGoToolchain(old, folder));
    });
  }
  return realpathSync(toolPath("go"));
}

async function debianGo(report: Report): Promise<string> {
  await ensureDebianPackages(["golang-go"], report);
  const go = findOnPath("go");
  if (go === undefined) {
    throw new Failure(
      "Debian's package golang-go brought no command go",
      "install Go 1.21 or newer and put it on PATH",
    );
  }
  return go;
}

/**
 * Fills a folder beside a tool's own, checks what is in it, and gives it its name in one step: whatever has the name is
 * whole. The caller holds the lock, so what an interrupted attempt left is nobody's.
 */
async function install(name: ToolName, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = toolFolder(name);
  const parent = path.dirname(target);
  const prefix = `.${path.basename(target)}.`;
  mkdirSync(parent, { recursive: true });
  for (const left of readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    rmSync(path.join(parent, left), { recursive: true, force: true });
  }
  const draft = mkdtempSync(path.join(parent, prefix));
  try {
    chmodSync(draft, 0o755);
    await fill(draft);
    await check(name, path.join(draft, "bin"));
    rmSync(target, { recursive: true, force: true });
    renameSync(draft, target);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function check(name: ToolName, bin: string): Promise<void> {
  const { version, check: question } = TOOLS[name];
  const lacking = binariesOf(name).filter((binary) => !isExecutable(path.join(bin, binary)));
  if (lacking.length > 0) {
    throw new Failure(`${name} ${version} came without ${lacking.join(", ")}`, "run this again");
  }
  const binary = path.join(bin, question.binary);
  const found = await askVersion(name, binary);
  const adopted = lstatSync(binary).isSymbolicLink() && serves(name, found);
  if (found !== version && !adopted) {
    const place = lstatSync(binary).isSymbolicLink() ? readlinkSync(binary) : binary;
    throw new Failure(`${place} says it is version ${found ?? "unknown"}, not ${version}`, "run this again");
  }
}

/** A promise that may fail before anybody waits for it: it resolves to a function that gives its value or throws. */
async function settled<T>(promise: Promise<T> | undefined): Promise<() => Promise<T | undefined>> {
  try {
    const value = await promise;
    return async () => value;
  } catch (error) {
    return async () => {
      throw error;
    };
  }
}
