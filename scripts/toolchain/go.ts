import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "../lib/failure.ts";
import { CommandError, run } from "../lib/process.ts";
import { buildLog, cacheRoot } from "../lib/roots.ts";
import { type GoBuild, TOOLS, type ToolName } from "./tools.ts";

const MODULES = path.join(import.meta.dirname, "modules");

/** One tool to build, and what with. */
export interface GoWorkshop {
  readonly go: string;
  readonly tool: ToolName;
  readonly build: GoBuild;
}

/**
 * Go's caches for all builds, which share much of what they compile. Kept after a failure, so that the next attempt goes on
 * from there, and thrown away in the end.
 */
function workshopFolder(): string {
  return path.join(cacheRoot(), "build", "go");
}

/**
 * The environment of a build: nothing of the user's Go settings but where modules come from, no change to `go.mod`, no other
 * toolchain than the one named, and caches (gigabytes) in one folder that can be thrown away.
 */
export function goEnvironment(folder: string): Record<string, string | undefined> {
  return {
    CGO_ENABLED: "0",
    GOCACHE: path.join(folder, "build"),
    GOFLAGS: "-mod=readonly -modcacherw -buildvcs=false -trimpath",
    GOMODCACHE: path.join(folder, "modules"),
    GOPATH: path.join(folder, "path"),
    GOROOT: undefined,
    GOTMPDIR: path.join(folder, "tmp"),
    GOTOOLCHAIN: "local",
    GOWORK: "off",
  };
}

/** The arguments of the `go build` calls that put a tool's binaries into `folder`. */
export function goBuildArguments(build: GoBuild, folder: string): readonly (readonly string[])[] {
  const set = Object.entries(build.set).map(([variable, value]) => `-X ${variable}=${value}`);
  const flags = ["build", "-v", "-ldflags", ["-s", "-w", ...set].join(" ")];
  const packages = Object.entries(build.packages);
  // Several packages can be linked side by side, but then Go names the binaries itself: by their folders.
  const namedByGo = packages.every(([binary, source]) => path.posix.basename(source) === binary);
  return packages.length > 1 && namedByGo
    ? [[...flags, "-o", `${folder}/`, ...packages.map(([, source]) => source)]]
    : packages.map(([binary, source]) => [...flags, "-o", path.join(folder, binary), source]);
}

/** Where a tool is built: a copy of its module folder where something is made beside the sources. */
function sourceFolder({ tool, build }: GoWorkshop): string {
  return build.embed === undefined ? path.join(MODULES, tool) : path.join(workshopFolder(), "sources", tool);
}

/** Puts what the main package embeds beside it. */
async function writeEmbedded(workshop: GoWorkshop): Promise<void> {
  const { go, tool, build } = workshop;
  if (build.embed === undefined) {
    return;
  }
  const folder = sourceFolder(workshop);
  rmSync(folder, { recursive: true, force: true });
  cpSync(path.join(MODULES, tool), folder, { recursive: true });
  const { stdout } = await run(go, ["mod", "download", "-json", build.embed.module], {
    cwd: folder,
    env: goEnvironment(workshopFolder()),
    logFile: buildLog(`${tool}-modules`),
  });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  for (const [file, added] of Object.entries(build.embed.files)) {
    const content = JSON.parse(readFileSync(path.join(Dir, file), "utf8")) as object;
    writeFileSync(path.join(folder, path.basename(file)), JSON.stringify({ ...content, ...added }));
  }
}

/** Fetches the modules that a build needs, and no others of its graph. Resolves to the number of packages it will compile. */
export async function fetchModules(workshop: GoWorkshop): Promise<number> {
  const { go, tool, build } = workshop;
  const folder = workshopFolder();
  mkdirSync(path.join(folder, "tmp"), { recursive: true });
  try {
    await writeEmbedded(workshop);
    const { stdout } = await run(go, ["list", "-deps", ...Object.values(build.packages)], {
      cwd: sourceFolder(workshop),
      env: goEnvironment(folder),
      logFile: buildLog(`${tool}-modules`),
    });
    return stdout.trimEnd().split("\n").length;
  } catch (error) {
    throw explain(error, `The Go modules of ${tool} ${TOOLS[tool].version} could not be fetched`, `${tool}-modules`);
  }
}

/** Compiles a tool's binaries into `target`; `note` is told how far it is. */
export async function compile(
  workshop: GoWorkshop,
  target: string,
  packages: number,
  note: (text: string) => void,
): Promise<void> {
  const { go, tool, build } = workshop;
  const folder = workshopFolder();
  let done = 0;
  try {
    for (const args of goBuildArguments(build, target)) {
      await run(go, args, {
        cwd: sourceFolder(workshop),
        env: goEnvironment(folder),
        logFile: buildLog(tool),
        onLine: () => {
          done = Math.min(done + 1, packages);
          note(`${done} of ${packages} packages`);
        },
      });
    }
  } catch (error) {
    throw explain(error, `Building ${tool} ${TOOLS[tool].version} failed`, tool);
  }
}

/** Copies what a build keeps of its modules into `folder`, each under its name. */
export async function keepOfModules({ go, tool, build }: GoWorkshop, folder: string): Promise<void> {
  for (const [name, { module, folder: inside }] of Object.entries(build.keep ?? {})) {
    try {
      const { stdout } = await run(go, ["list", "-m", "-f", "{{.Dir}}", module], {
        cwd: path.join(MODULES, tool),
        env: goEnvironment(workshopFolder()),
        logFile: buildLog(tool),
      });
      cpSync(path.join(stdout.trim(), inside), path.join(folder, name), { recursive: true });
    } catch (error) {
      throw explain(error, `${module} of ${tool} ${TOOLS[tool].version} has no ${inside} to keep`, tool);
    }
  }
}

/** Throws away the builds' caches. */
export function closeWorkshop(): void {
  rmSync(workshopFolder(), { recursive: true, force: true });
}

/**
 * Puts the Go toolchain into `target`. It is a module itself, so any Go can fetch it, from where it fetches modules, and
 * verifies it by the checksum database.
 */
export async function fetchGoToolchain(go: string, target: string): Promise<void> {
  const folder = workshopFolder();
  mkdirSync(path.join(folder, "tmp"), { recursive: true });
  const arch = { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch;
  const module = `golang.org/toolchain@v0.0.1-go${TOOLS.go.version}.${process.platform}-${arch}`;
  try {
    // Outside every module, so that no go.mod of a folder above is asked.
    const cwd = mkdtempSync(path.join(folder, "tmp", "fetch-"));
    const env = { ...goEnvironment(folder), GOFLAGS: "-modcacherw" };
    const { stdout } = await run(go, ["mod", "download", "-json", module], { cwd, env, logFile: buildLog("go") });
    const { Dir } = JSON.parse(stdout) as { Dir: string };
    cpSync(Dir, target, { recursive: true });
  } catch (error) {
    throw explain(error, `Go ${TOOLS.go.version} could not be fetched as the module ${module}`, "go");
  }
  // A module carries no file modes.
  const tools = path.join(target, "pkg", "tool");
  const folders = [path.join(target, "bin"), ...readdirSync(tools).map((name) => path.join(tools, name))];
  for (const binary of folders.flatMap((parent) => readdirSync(parent).map((name) => path.join(parent, name)))) {
    chmodSync(binary, 0o755);
  }
}

function explain(error: unknown, what: string, log: string): unknown {
  if (!(error instanceof CommandError)) {
    return error;
  }
  const reason = error.tail.split("\n").at(-1)?.trim() || error.message;
  return new Failure(
    `${what}: ${reason}`,
    `see that the place Go gets modules from answers (go env GOPROXY) and that the disk is not full, then run this again, which goes on where it stopped; the whole log is ${buildLog(log)}`,
    { cause: error },
  );
}
