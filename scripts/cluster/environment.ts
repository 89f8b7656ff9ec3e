import { mkdirSync } from "node:fs";
import path from "node:path";
import { dockerHost } from "../images/docker.ts";
import { cacheRoot, stateRoot, toolPath } from "../lib/roots.ts";
import { pulumiEnvironment } from "../standins/environment.ts";
import { clusterLayout } from "./layout.ts";

export interface EnvironmentPlaces {
  readonly stateRoot: string;
  readonly cacheRoot: string;
  /** The folder of this repository. */
  readonly repository: string;
  /** Folders of the tools' binaries. */
  readonly toolFolders: readonly string[];
  /** PATH as it was. */
  readonly searchPath: string;
}

/** Where Pulumi keeps plugins and settings, and its state. */
export const pulumiPlaces = (root: string) => ({
  home: path.join(root, "pulumi-home"),
  state: path.join(root, "pulumi"),
});

/** The variables by which every command, plain `pulumi` and `kubectl` too, means the same datacenter. Pure. */
export function renderEnvironment(places: EnvironmentPlaces): Record<string, string> {
  const { home, state } = pulumiPlaces(places.stateRoot);
  const pulumi = pulumiEnvironment({
    stateRoot: places.stateRoot,
    cacheRoot: places.cacheRoot,
    pulumiHome: home,
    policyPack: path.join(places.repository, "policies"),
    // Without it each file of the state has another beside it, which is empty for a moment at each write: a kill then leaves a
    // state that Pulumi can neither read nor remove.
    backendUrl: `file://${state}?metadata=skip`,
  });
  const first = [...places.toolFolders, path.join(places.repository, "node_modules", ".bin")];
  const others = places.searchPath.split(path.delimiter).filter((folder) => folder !== "" && !first.includes(folder));
  return {
    ...pulumi,
    PATH: [...first, ...others].join(path.delimiter),
    KUBECONFIG: clusterLayout(places.stateRoot).kubeconfig,
    DOCKER_HOST: dockerHost(clusterLayout(places.stateRoot).dockerRoot),
    // Debian's docker has no buildx.
    DOCKER_BUILDKIT: "0",
  };
}

/** {@link renderEnvironment} for this machine, having made Pulumi's folders, which only this user can read. */
export function datacenterEnvironment(): Record<string, string> {
  const root = stateRoot();
  const { home, state } = pulumiPlaces(root);
  for (const folder of [home, state]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  return renderEnvironment({
    stateRoot: root,
    cacheRoot: cacheRoot(),
    repository: path.join(import.meta.dirname, "../.."),
    toolFolders: [path.dirname(toolPath("pulumi")), path.dirname(toolPath("kubernetes", "kubectl"))],
    searchPath: process.env["PATH"] ?? "",
  });
}

/** Shell commands that set the variables, for `eval`. */
export function renderExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join("");
}
