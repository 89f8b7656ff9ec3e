import { runningParts } from "../cluster/holder.ts";
import { judgeMachine, readMachine } from "../cluster/machine.ts";
import { Failure } from "../lib/failure.ts";
import { cacheRoot, stateRoot } from "../lib/roots.ts";
import { missingPackages, NODE_PACKAGES } from "./debian.ts";
import { freeGiB } from "./disk.ts";
import { absentTools } from "./ensure.ts";
import { isExecutable } from "./path.ts";
import { buildDiskGiB, type ToolName } from "./tools.ts";

/** What of a machine decides whether what the local datacenter lacks can be installed. */
export interface InstallFacts {
  /** Debian packages to install. */
  readonly packages: readonly string[];
  readonly hasApt: boolean;
  /** Tools that may have to be built. */
  readonly tools: readonly ToolName[];
  readonly cacheRoot: string;
  /** Under the cache root. */
  readonly freeDiskGiB: number;
}

/** What the base image and the workloads' images take while they are built, in GiB. */
const IMAGES_GIB = 3;

/** Why what is missing cannot be installed, as what a user sees; undefined where it can. Pure. */
export function judge({ packages, hasApt, tools, cacheRoot, freeDiskGiB }: InstallFacts): Failure | undefined {
  if (packages.length > 0 && !hasApt) {
    return new Failure(
      `The local datacenter needs the Debian packages ${packages.join(", ")}, and this machine has no apt`,
      "run this on Debian 12, or name a cluster that exists in the stack file, platform.cluster: { kind: existing, context: <context> } (kind, k3d, minikube or any other)",
    );
  }
  const neededGiB = buildDiskGiB(tools) + IMAGES_GIB;
  if (tools.length > 0 && freeDiskGiB < neededGiB) {
    return new Failure(
      `${cacheRoot} has ${freeDiskGiB.toFixed(1)} GiB free, and building ${tools.join(", ")} may need ${neededGiB} GiB`,
      "free some space there, or set MILLWRIGHT_CACHE to a folder on a larger disk",
    );
  }
  return undefined;
}

/** What the local datacenter is made of, in the order of need. */
export const CLUSTER_TOOLS: readonly ToolName[] = ["kubernetes", "etcd", "pulumi", "coredns"];

/**
 * Why a local datacenter cannot be brought up on this machine, before anything is installed; undefined where nothing stands
 * against it.
 */
export async function preflightLocalCluster(): Promise<Failure | undefined> {
  const root = stateRoot();
  const machine = await readMachine(root, runningParts(root));
  // What is missing can be installed, or `judge` says why not.
  const obstacle = judgeMachine({ ...machine, missing: [] });
  return (
    obstacle ??
    judge({
      packages: missingPackages(NODE_PACKAGES),
      hasApt: isExecutable("/usr/bin/apt-get"),
      tools: await absentTools(CLUSTER_TOOLS),
      cacheRoot: cacheRoot(),
      freeDiskGiB: freeGiB(cacheRoot()),
    })
  );
}
