import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { ask } from "../../../scripts/cluster/http.ts";
import { isEngine, listProcesses } from "../../../scripts/converge/plugins.ts";
import { REPOSITORY_ROOT } from "../../../scripts/lib/command-line.ts";
import { cacheRoot, toolPath } from "../../../scripts/lib/roots.ts";
import { pulumiEnvironment } from "../../../scripts/standins/environment.ts";
import { installPlugins } from "../../../scripts/standins/install.ts";
import { declared, SUITE_LABEL, type SuiteObject, type Variant } from "./program/objects.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";

/** A control plane, and between it and the loop a proxy that lies on demand. */
export interface World {
  readonly plane: ControlPlane;
  readonly proxy: FaultProxy;
  /** An object by the API server's own word, past the proxy; undefined if it is not there. */
  get(apiPath: string): Promise<Found | undefined>;
  request(method: string, apiPath: string, body?: object, contentType?: string): Promise<Found>;
  /** Objects that a trial made, of every kind the server has, without what controllers derived from them. */
  labelled(prefix: string): Promise<Found[]>;
  stop(): Promise<void>;
}

export interface Found {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly ownerReferences?: readonly unknown[];
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** No promise is kept by a run that takes longer; it is killed. */
const LONGEST_RUN_SECONDS = 180;

export async function startWorld(): Promise<World> {
  const plane = await startControlPlane();
  const proxy = await startProxy(plane.server, plane.identity);
  const get = async (apiPath: string): Promise<Found | undefined> => {
    const { status, body } = await ask(plane.server + apiPath, { identity: plane.identity });
    if (status === 404) return undefined;
    if (status >= 300) throw new Error(`GET ${apiPath}: ${status} ${body}`);
    return JSON.parse(body) as Found;
  };
  const request: World["request"] = async (method, apiPath, body, contentType = "application/json") => {
    const text = body === undefined ? {} : { body: JSON.stringify(body), contentType };
    const answer = await ask(plane.server + apiPath, { identity: plane.identity, method, ...text });
    if (answer.status >= 300) throw new Error(`${method} ${apiPath}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body) as Found;
  };
  return {
    plane,
    proxy,
    get,
    request,
    labelled: async (prefix) => {
      const query = `?labelSelector=${encodeURIComponent(`${SUITE_LABEL}=${prefix}`)}`;
      const lists = await Promise.all(
        (await listable(get)).map(async ({ kind, url }) => {
          const list = (await get(url + query)) as { items?: Found[] } | undefined;
          return (list?.items ?? []).map((item) => ({ ...item, kind }));
        }),
      );
      // Endpoints copy the labels of their Service, and have no owner.
      return lists
        .flat()
        .filter(({ kind, metadata }) => kind !== "Endpoints" && metadata.ownerReferences === undefined);
    },
    stop: async () => {
      await proxy.stop();
      await plane.stop();
    },
  };
}

/** Lists of every kind, in one version each. */
async function listable(get: World["get"]): Promise<{ kind: string; url: string }[]> {
  interface Groups {
    groups: { preferredVersion: { groupVersion: string } }[];
  }
  interface Resources {
    resources?: { name: string; kind: string; verbs: string[] }[];
  }
  const { groups } = (await get("/apis")) as unknown as Groups;
  const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const found = await Promise.all(
    roots.map(async (root) => {
      const { resources = [] } = ((await get(root)) ?? {}) as Resources;
      const kept = resources.filter(({ name, verbs }) => verbs.includes("list") && !name.includes("/"));
      return kept.map(({ name, kind }) => ({ kind, url: `${root}/${name}` }));
    }),
  );
  return found.flat();
}

/** What a run said, and how it ended. */
export interface Outcome {
  /** Undefined: killed. */
  readonly code: number | undefined;
  readonly failure?: string;
  readonly recovered?: unknown;
  readonly created?: readonly string[];
  readonly updated?: readonly string[];
  readonly replaced?: readonly string[];
  readonly deleted?: readonly string[];
  /** Everything it wrote to its terminal. */
  readonly output: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Outcome>;
  /** Kills the run with all it started. */
  killAll(): void;
  /** Kills the engine alone: its language host, plugins and the run itself live on. */
  killEngine(): void;
}

/** A project of its own on the world's control plane. */
export interface Trial {
  readonly root: string;
  readonly prefix: string;
  readonly env: Readonly<Record<string, string>>;
  start(variant?: Variant, more?: Readonly<Record<string, string>>): Running;
  up(variant?: Variant, more?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** What should be there but is not, and the other way round: one line each. */
  differences(variant?: Variant): Promise<string[]>;
  /** Processes that belong to this trial, by their environment: `pid command`. */
  processes(): Promise<string[]>;
  dispose(): Promise<void>;
}

let trials = 0;

export async function createTrial({ proxy, labelled }: World): Promise<Trial> {
  const root = await mkdtemp(path.join(tmpdir(), "millwright-loop-"));
  const prefix = `t${process.pid}-${trials++}`;
  const folder = path.join(root, "project");
  await cp(path.join(import.meta.dirname, "program"), folder, { recursive: true });
  await mkdir(path.join(root, "pulumi", "state"), { recursive: true });
  await symlink(path.join(REPOSITORY_ROOT, "node_modules"), path.join(folder, "node_modules"));
  await symlink(path.join(REPOSITORY_ROOT, "policies"), path.join(folder, "policies"));
  await writeFile(
    path.join(folder, "package.json"),
    JSON.stringify({ type: "module", dependencies: { "@pulumi/pulumi": "*", "@pulumi/kubernetes": "*" } }),
  );
  await cp(path.join(REPOSITORY_ROOT, "stacks", "Pulumi.local.yaml"), path.join(folder, "Pulumi.dev.yaml"));
  const kubeconfig = path.join(root, "kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor(proxy.url, "loop"));
  const common = pulumiEnvironment({ stateRoot: root, cacheRoot: cacheRoot() });
  const env: Record<string, string> = {
    ...common,
    KUBECONFIG: kubeconfig,
    PATH: `${path.dirname(toolPath("pulumi"))}${path.delimiter}${process.env["PATH"]}`,
    HOME: process.env["HOME"] ?? root,
    SUITE_PREFIX: prefix,
    NO_COLOR: "1",
    NODE_NO_WARNINGS: "1",
    SUITE_REPOSITORY: REPOSITORY_ROOT,
  };
  const home = env["PULUMI_HOME"] ?? "";
  Object.assign(env, (await installPlugins({ pulumiHome: home, env, mode: "instead" })).env);

  const start: Trial["start"] = (variant = "full", more = {}) =>
    startRun(folder, { ...env, SUITE_VARIANT: variant, ...more });
  return {
    root,
    prefix,
    env,
    start,
    up: (variant, more) => start(variant, more).done,
    differences: async (variant = "full") => {
      const wanted = declared({ SUITE_PREFIX: prefix, SUITE_VARIANT: variant }).map(keyOfDeclared);
      const found = (await labelled(prefix)).map(keyOf);
      return [
        ...wanted.filter((key) => !found.includes(key)).map((key) => `missing ${key}`),
        ...found.filter((key) => !wanted.includes(key)).map((key) => `orphan ${key}`),
        ...found.filter((key, index) => found.indexOf(key) !== index).map((key) => `duplicate ${key}`),
      ];
    },
    processes: () => processesOf(home),
    dispose: async () => {
      for (const line of await processesOf(home)) process.kill(Number(line.split(" ")[0]), "SIGKILL");
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export const keyOf = ({ kind, metadata }: Pick<Found, "kind"> & { metadata: { name: string; namespace?: string } }) =>
  `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
const keyOfDeclared = ({ manifest }: SuiteObject) => keyOf(manifest);

function kubeconfigFor(server: string, context: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    clusters: [{ name: context, cluster: { server } }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    users: [{ name: context, user: {} }],
  });
}

function startRun(folder: string, env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "run.ts"), folder, "dev"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that it can be killed whole.
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => (output += data.toString()));
  const timer = setTimeout(() => killGroup(child.pid ?? 0), LONGEST_RUN_SECONDS * 1000);
  const done = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    // Not "close": a plugin that outlives the run holds its pipes.
    child.once("exit", (code) => {
      clearTimeout(timer);
      const line = output.split("\n").findLast((text) => text.startsWith("{")) ?? "{}";
      resolve({ ...(code === null ? {} : JSON.parse(line)), code: code ?? undefined, output });
    });
  });
  const group = child.pid ?? 0;
  return {
    child,
    done,
    killAll: () => killGroup(group),
    killEngine: () => {
      const engines = listProcesses().filter((each) => each.parent === group && isEngine(each));
      for (const { pid } of engines) process.kill(pid, "SIGKILL");
    },
  };
}

/** It may have ended on its own a moment ago. */
function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Processes whose environment names this Pulumi home, this very process excepted. */
async function processesOf(home: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      if (!environment.split("\0").includes(`PULUMI_HOME=${home}`)) return [];
      const program = await readlink(`/proc/${pid}/exe`).catch(() => "");
      // A zombie has no program any more.
      return program === "" ? [] : [`${pid} ${path.basename(program)}`];
    }),
  );
  return lines.flat();
}

/** Waits until a check holds, and says whether it did. */
export async function within(seconds: number, check: () => Promise<boolean> | boolean): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  while (!(await check())) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}
