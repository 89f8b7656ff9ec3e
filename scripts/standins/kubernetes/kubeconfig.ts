import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

/** Which cluster, as whom, by default where. Empty strings mean "not given". */
export interface KubeconfigSource {
  /** Path of a kubeconfig, or its contents. @default $KUBECONFIG, then ~/.kube/config, then the pod's service account */
  readonly kubeconfig: string;
  /** @default the kubeconfig's current context */
  readonly context: string;
  /** Overrides the context's cluster. */
  readonly cluster: string;
}

/** Thrown with a sentence that names the file or context and what to do. */
export class KubeconfigProblem extends Error {}

const expandHome = (path: string): string => (path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);

/** Contents span lines or are a JSON object; a path does neither. */
const isContents = (text: string): boolean => text.includes("\n") || text.trimStart().startsWith("{");

function read(source: string): KubeConfig {
  const config = new KubeConfig();
  const where = isContents(source) ? "the given contents" : expandHome(source);
  try {
    if (isContents(source)) config.loadFromString(source);
    else if (existsSync(where)) config.loadFromFile(where);
    else throw new Error("no such file");
  } catch (error) {
    throw new KubeconfigProblem(
      `kubeconfig: ${where} cannot be used (${(error as Error).message}). ` +
        "Set kubernetes:kubeconfig or $KUBECONFIG to a kubeconfig's path or contents.",
    );
  }
  return config;
}

function readDefault(): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new KubeconfigProblem(
      `kubeconfig: $KUBECONFIG cannot be used (${(error as Error).message}). Set kubernetes:kubeconfig.`,
    );
  }
  // The library's answer when there is nothing to load: an address nobody asked for.
  if (config.getCurrentCluster()?.server === "http://localhost:8080") {
    throw new KubeconfigProblem(
      "kubeconfig: there is none: kubernetes:kubeconfig and $KUBECONFIG are not set and ~/.kube/config does not exist. Set one of them.",
    );
  }
  return config;
}

/** @throws KubeconfigProblem */
export function loadKubeconfig({ kubeconfig, context, cluster }: KubeconfigSource): KubeConfig {
  const config = kubeconfig === "" ? readDefault() : read(kubeconfig);
  if (context !== "") config.setCurrentContext(context);
  const active = config.getContextObject(config.getCurrentContext());
  const names = config.getContexts().map((candidate) => candidate.name);
  if (active === null) {
    throw new KubeconfigProblem(
      `context: ${JSON.stringify(config.getCurrentContext())} is not in the kubeconfig, which has ` +
        `${names.length === 0 ? "no context" : names.join(", ")}. Set kubernetes:context to one of them.`,
    );
  }
  if (cluster !== "") {
    config.contexts = config.contexts.map((each) => (each.name === active.name ? { ...each, cluster } : each));
  }
  if (config.getCurrentCluster() === null) {
    const missing = cluster === "" ? active.cluster : cluster;
    throw new KubeconfigProblem(
      `cluster: ${JSON.stringify(missing)} is not in the kubeconfig. Set kubernetes:cluster to one that is.`,
    );
  }
  return config;
}

/** What makes a cluster itself, as far as a kubeconfig tells: where it is and who signs for it. */
export interface ClusterIdentity {
  readonly server: string;
  readonly certificateAuthority: string;
}

/** Undefined when the kubeconfig cannot be read (any more). Credentials are not part of it, so they rotate freely. */
export function clusterIdentity(source: KubeconfigSource): ClusterIdentity | undefined {
  try {
    const cluster = loadKubeconfig(source).getCurrentCluster();
    if (cluster === null) return undefined;
    const file = cluster.caFile ?? "";
    const authority = cluster.caData ?? (file !== "" && existsSync(file) ? readFileSync(file).toString("base64") : "");
    return { server: cluster.server, certificateAuthority: authority };
  } catch (error) {
    if (error instanceof KubeconfigProblem) return undefined;
    throw error;
  }
}
