import { datacenterEnvironment } from "../cluster/environment.ts";
import { runningParts } from "../cluster/holder.ts";
import { startCluster, stopCluster } from "../cluster/index.ts";
import { ensureBaseImage } from "../images/base.ts";
import { report } from "../lib/report.ts";
import { stateRoot } from "../lib/roots.ts";
import { installPlugins } from "../standins/install.ts";
import { ensureDebianPackages } from "../toolchain/debian.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { CLUSTER_TOOLS, preflightLocalCluster } from "../toolchain/preflight.ts";
import { prepareLocalCluster } from "../toolchain/prepare.ts";
import { PYTHON_PACKAGES } from "../toolchain/python.ts";
import type { ToolName } from "../toolchain/tools.ts";
import type { Requirement } from "./suites.ts";

/** What runs beside the models, to be tested on this machine as it is in its images. */
const SERVICE_PACKAGES = ["haproxy", "postgresql-15", "prometheus"] as const;

/** What a suite runs in, and how to leave it. */
export interface Environment {
  readonly variables: NodeJS.ProcessEnv;
  /** Why the suite cannot run on this machine. */
  readonly missing?: string;
  /** Stops what was started for the suite alone. */
  readonly release: () => Promise<void>;
}

const NOTHING: Environment = { variables: process.env, release: async () => {} };

/** Tools by what needs them. */
const TOOLS_OF: Readonly<Partial<Record<Requirement, readonly ToolName[]>>> = {
  controlPlane: ["pulumi", "pulumi-kubernetes", "kubernetes", "etcd"],
  node: CLUSTER_TOOLS,
  autoscaler: ["keda"],
  queues: ["kueue"],
};

/** Puts on this machine what suites need, with progress. Quick where it is there. */
export async function install(needs: readonly Requirement[]): Promise<void> {
  await ensureDebianPackages(
    [...(needs.includes("python") ? PYTHON_PACKAGES : []), ...(needs.includes("services") ? SERVICE_PACKAGES : [])],
    report,
  );
  await ensureTools([...new Set(needs.flatMap((need) => TOOLS_OF[need] ?? []))], report);
}

/** Starts what a suite runs in. A datacenter that already runs is used and left running. */
export async function prepare(needs: readonly Requirement[]): Promise<Environment> {
  return needs.includes("node") ? prepareNode() : NOTHING;
}

async function prepareNode(): Promise<Environment> {
  const before = runningParts(stateRoot());
  const obstacle = await preflightLocalCluster();
  if (obstacle !== undefined) {
    return { ...NOTHING, missing: `${obstacle.message} (${obstacle.remedy})` };
  }
  await prepareLocalCluster(report);
  await startCluster(report);
  await ensureBaseImage({}, report);
  const env = { ...process.env, ...datacenterEnvironment() };
  const installed = await installPlugins({ pulumiHome: env["PULUMI_HOME"] ?? "", env });
  return {
    variables: { ...env, ...installed.env },
    release: async () => {
      if (before.size === 0) {
        await stopCluster(report);
      }
    },
  };
}
