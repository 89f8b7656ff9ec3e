import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { Failure } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import { CommandError, run } from "../lib/process.ts";
import { type Report, report as stderrReport } from "../lib/report.ts";
import { buildLog, cacheRoot, toolPath } from "../lib/roots.ts";
import { ensureTools } from "./ensure.ts";
import { goEnvironment } from "./go.ts";

/** Projects whose kinds are declared here and judged by their own definitions. */
export type DefinitionsName = "karpenter" | "kueue" | "leaderworkerset" | "jobset" | "keda" | "prometheus-operator";

export interface DefinitionsSource {
  /** The Go module that carries them. */
  readonly module: string;
  /** As Go writes it. */
  readonly version: string;
  /** What Go's checksum database says of the module's archive: `h1:` and the hash. */
  readonly sum: string;
  /** The folder of the definitions inside the module. */
  readonly folder: string;
  /** The folder of its Helm chart inside the module, where it is there. @default none */
  readonly chart?: string;
}

/**
 * Pinned, and of the versions whose charts components/platform/addons installs. A new version means a new row here; what
 * the sum is, `go mod download -json <module>@<version>` prints. Archives of modules leave out what is a module of its
 * own inside them: each folder was seen in its archive.
 */
export const DEFINITIONS: Readonly<Record<DefinitionsName, DefinitionsSource>> = {
  // The provider's copy, as its chart karpenter-crd has it: the core's NodePool with AWS's own rules added.
  karpenter: {
    module: "github.com/aws/karpenter-provider-aws",
    version: "v1.14.1",
    sum: "h1:WGtIQTQcxpElYMdWfWuPwaF2+9muR+hYhPZsTtoY8Gs=",
    folder: "pkg/apis/crds",
    chart: "charts/karpenter",
  },
  kueue: {
    module: "sigs.k8s.io/kueue",
    version: "v0.19.2",
    sum: "h1:mPNzr37u0nwI7ikST5QQl5gg6EgtYOAvC9ZbTgywdN8=",
    folder: "config/components/crd/bases",
    chart: "charts/kueue",
  },
  // 0.10.0 is there, but not every module proxy has its archive.
  leaderworkerset: {
    module: "sigs.k8s.io/lws",
    version: "v0.9.0",
    sum: "h1:DcJCgxjjoGOx//QHZkeKpyiblxYq70aCRZNYSfykWyI=",
    folder: "config/crd/bases",
    chart: "charts/lws",
  },
  jobset: {
    module: "sigs.k8s.io/jobset",
    version: "v0.12.0",
    sum: "h1:YYPuV0px8Ongq/RXmJg6V0w2UC67aiR+rCMD06vhQQQ=",
    folder: "config/components/crd/bases",
    chart: "charts/jobset",
  },
  keda: {
    module: "github.com/kedacore/keda/v2",
    version: "v2.20.2",
    sum: "h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA=",
    folder: "config/crd/bases",
  },
  "prometheus-operator": {
    module: "github.com/prometheus-operator/prometheus-operator",
    version: "v0.93.1",
    sum: "h1:4Juk8v93RdG1DSGD/mGp+SeQKPmnlLIj2iq3blLZgFY=",
    folder: "example/prometheus-operator-crd",
  },
};

/** A CustomResourceDefinition, as far as it is looked at. */
export interface Definition {
  readonly apiVersion: string;
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
}

/**
 * The definitions of a project's kinds, sorted by name, as its module carries them. Kept in the cache by version: fetched
 * once, from where Go gets modules, and held against the pinned checksum.
 *
 * @throws Failure where the module cannot be had, is not what was pinned, or has no definitions in the folder
 */
export async function customResourceDefinitions(
  name: DefinitionsName,
  report: Report = stderrReport,
): Promise<readonly Definition[]> {
  const folder = path.join(await ensureDefinitions(name, report), "definitions");
  const documents = readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) => parseAllDocuments(readFileSync(path.join(folder, file), "utf8")).map((each) => each.toJS()));
  return documents
    .filter((each): each is Definition => each?.kind === "CustomResourceDefinition")
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/**
 * The `values.yaml` of a project's Helm chart, parsed: every value the chart knows, with its default.
 *
 * @throws Failure as {@link customResourceDefinitions}, and where the module carries no chart
 */
export async function chartValues(name: DefinitionsName, report: Report = stderrReport): Promise<unknown> {
  if (DEFINITIONS[name].chart === undefined) {
    throw new Failure(`the module of ${name} carries no chart`, "look its values up where the chart is published");
  }
  const file = path.join(await ensureDefinitions(name, report), "chart", "values.yaml");
  return parseAllDocuments(readFileSync(file, "utf8"))[0]?.toJS();
}

/** Where the cache keeps them. */
export function definitionsFolder(name: DefinitionsName, env: NodeJS.ProcessEnv = process.env): string {
  return path.join(cacheRoot(env), "definitions", `${name}-${DEFINITIONS[name].version}`);
}

/** Resolves to the folder; quick when it is there. */
async function ensureDefinitions(name: DefinitionsName, report: Report): Promise<string> {
  const target = definitionsFolder(name);
  if (existsSync(target)) {
    return target;
  }
  await ensureTools(["go"], report);
  const lock = path.join(cacheRoot(), "locks", `definitions-${name}`);
  const work = async () => {
    if (!existsSync(target)) {
      await report.step(`fetching the definitions of ${name}`, () => fetchDefinitions(name, target));
    }
  };
  await withLock(lock, `fetching the definitions of ${name}`, work, { waitSeconds: 600 });
  return target;
}

/** Fetches the module, keeps what is wanted of it and throws the rest away. Whole or not at all. */
async function fetchDefinitions(name: DefinitionsName, target: string): Promise<void> {
  const { module, folder, chart } = DEFINITIONS[name];
  const parent = path.dirname(target);
  const prefix = `.${name}.`;
  mkdirSync(parent, { recursive: true });
  // The caller holds the lock, so what an interrupted attempt left is nobody's.
  for (const left of readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    rmSync(path.join(parent, left), { recursive: true, force: true });
  }
  const workshop = mkdtempSync(path.join(parent, prefix));
  try {
    const unpacked = await downloadModule(name, workshop);
    const kept = path.join(workshop, "kept");
    for (const [from, to] of [[folder, "definitions"], ...(chart === undefined ? [] : [[chart, "chart"]])] as const) {
      const source = path.join(unpacked, from!);
      if (!existsSync(source)) {
        throw new Failure(`${module} has no folder ${from}`, "correct its row in scripts/toolchain/definitions.ts");
      }
      cpSync(source, path.join(kept, to!), { recursive: true });
    }
    renameSync(kept, target);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Resolves to the folder the module lies in. */
async function downloadModule(name: DefinitionsName, workshop: string): Promise<string> {
  const { module, version, sum } = DEFINITIONS[name];
  const log = `definitions-${name}`;
  mkdirSync(path.join(workshop, "tmp"));
  const env = { ...goEnvironment(workshop), GOFLAGS: "-modcacherw" };
  // Outside every module, so that no go.mod of a folder above is asked.
  const answer = await run(toolPath("go"), ["mod", "download", "-json", `${module}@${version}`], {
    cwd: path.join(workshop, "tmp"),
    env,
    logFile: buildLog(log),
    timeoutSeconds: 600,
  }).catch((error: unknown) => {
    throw error instanceof CommandError
      ? new Failure(
          `${module} ${version} could not be fetched: ${error.tail.split("\n").at(-1)?.trim() || error.message}`,
          `see that the place Go gets modules from answers (go env GOPROXY); the whole log is ${buildLog(log)}`,
          { cause: error },
        )
      : error;
  });
  const { Dir, Sum } = JSON.parse(answer.stdout) as { Dir: string; Sum: string };
  if (Sum !== sum) {
    throw new Failure(
      `${module} ${version} has the checksum ${Sum}, not the pinned ${sum}`,
      "find out why it changed before you pin another one in scripts/toolchain/definitions.ts",
    );
  }
  return Dir;
}
