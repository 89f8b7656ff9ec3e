import { chmodSync, chownSync, mkdirSync } from "node:fs";
import type { PlacementKind } from "../../components/compute/scheduler-profile.ts";
import { PAUSE_IMAGE } from "../images/pause.ts";
import { stopDaemon } from "../lib/daemon.ts";
import { withLock } from "../lib/lock.ts";
import type { Report } from "../lib/report.ts";
import { stateRoot } from "../lib/roots.ts";
import { ensureDebianPackages, NODE_PACKAGES } from "../toolchain/debian.ts";
import { CONTROL_PLANE_PORTS, WORKLOAD_GROUP } from "./constants.ts";
import { controlPlaneParts, prepareControlPlane, serverUrl } from "./control-plane.ts";
import type { ControlPlaneSettings } from "./control-plane-flags.ts";
import { claimMachine, MACHINE_LOCK, releaseMachine, requireMachine, runningParts } from "./holder.ts";
import { readIdentity } from "./http.ts";
import { imageParts } from "./image-parts.ts";
import { type ClusterLayout, clusterLayout } from "./layout.ts";
import { judgeMachine, readMachine, readNodeFacts } from "./machine.ts";
import { ensureNetwork } from "./network.ts";
import { nodeParts, prepareNode } from "./node-parts.ts";
import { applySystemObjects } from "./objects.ts";
import { type Part, pidFileOf, startParts } from "./parts.ts";
import { importPauseImage } from "./pause.ts";
import { prepareRunFolder } from "./run-folder.ts";
import { teardown } from "./stop.ts";
import { ensureSystemPath } from "./system-path.ts";
import { awaitWorking } from "./working.ts";

export interface StartedCluster {
  readonly kubeconfigPath: string;
  readonly auditLogPath: string;
  /** Names of the parts that were not running as they should and were started. */
  readonly started: readonly string[];
}

/** What a stack may choose of the local datacenter. */
export interface StartOptions {
  /** Which of the nodes with room a pod gets. @default "spread" */
  readonly placement?: PlacementKind;
  /** Resources of devices to pack by beyond the common ones, such as MIG profiles. @default none */
  readonly accelerators?: readonly string[];
}

const LOCK_WAIT_SECONDS = 300;

/**
 * Brings the local datacenter up: control plane, node, names, registry and image builder. What runs as it should stays as
 * it is, what does not is started again on the same state; so it may be called at any time, and after a crash of anything.
 *
 * @throws Failure naming the part and the end of its log, or what the machine lacks. What this call started is stopped.
 */
export async function startCluster(report: Report, options: StartOptions = {}): Promise<StartedCluster> {
  const root = stateRoot();
  const layout = clusterLayout(root);
  ensureSystemPath();
  requireMachine(root);
  await requireNode(root, report);
  return withLock(
    MACHINE_LOCK,
    "another start or stop of the local datacenter",
    () => startLocked(layout, options, report),
    {
      waitSeconds: LOCK_WAIT_SECONDS,
      onWait: ({ pid }) => report.line(`waiting for process ${pid}, which starts or stops the local datacenter`),
    },
  );
}

/** What can be installed is not held against a machine before that was tried. */
async function requireNode(root: string, report: Report): Promise<void> {
  const facts = await readMachine(root, runningParts(root));
  const obstacle = judgeMachine({ ...facts, missing: [] });
  if (obstacle !== undefined) {
    throw obstacle;
  }
  if (facts.missing.length > 0) {
    await ensureDebianPackages(NODE_PACKAGES, report);
    const remaining = judgeMachine(await readMachine(root, runningParts(root)));
    if (remaining !== undefined) {
      throw remaining;
    }
  }
}

async function startLocked(layout: ClusterLayout, options: StartOptions, report: Report): Promise<StartedCluster> {
  const { root } = layout;
  claimMachine(root);
  const before = runningParts(root);
  const started: string[] = [];
  try {
    await prepareRunFolder(layout);
    ensureArtifactFolder(layout.artifacts);
    await bringUp(layout, options, started, report);
  } catch (error) {
    await undo(layout, before, started);
    throw error;
  }
  return { kubeconfigPath: layout.kubeconfig, auditLogPath: layout.auditLog, started };
}

async function bringUp(
  layout: ClusterLayout,
  { placement = "spread", accelerators = [] }: StartOptions,
  started: string[],
  report: Report,
): Promise<void> {
  const settings: ControlPlaneSettings = {
    layout,
    ports: CONTROL_PLANE_PORTS,
    node: true,
    auditLog: true,
    durable: true,
    placement,
    accelerators,
  };
  const facts = await readNodeFacts(PAUSE_IMAGE);
  await prepareControlPlane(settings);
  await prepareNode(layout, facts);
  await ensureNetwork(facts.mtu);
  let applied: Promise<void> | undefined;
  const applyObjects = () => {
    applied ??= applySystemObjects(serverUrl(CONTROL_PLANE_PORTS), readIdentity(layout.pki, "admin"));
    return applied;
  };
  const parts: Part[] = [
    ...controlPlaneParts(settings),
    ...nodeParts(layout, facts, { kubelet: () => importPauseImage(layout, report), coredns: applyObjects }),
    ...imageParts(layout),
  ];
  const beginning = Date.now();
  await startParts(parts, { pids: layout.pids, logs: layout.logs }, (name, work) => {
    started.push(name);
    return report.step(name, work);
  });
  if (started.length > 0) {
    await applyObjects();
  }
  if (!started.includes("kubelet")) {
    // The kubelet may have removed it to gain disk space, and then no pod starts.
    await importPauseImage(layout, report);
  }
  const nodeSince = started.includes("kubelet") || started.includes("containerd") ? beginning : undefined;
  const verify = () => awaitWorking(layout, nodeSince);
  await (started.length > 0 ? report.step("node ready, names and services answer", verify) : verify());
}

/** Stage containers of one group share it: new files belong to the group, which may write. */
function ensureArtifactFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, 0, WORKLOAD_GROUP);
  chmodSync(folder, 0o2775);
}

async function undo(layout: ClusterLayout, before: ReadonlySet<string>, started: readonly string[]): Promise<void> {
  if (before.size === 0) {
    await teardown(layout);
    releaseMachine(layout.root);
    return;
  }
  for (const name of [...started].reverse()) {
    await stopDaemon(pidFileOf({ pids: layout.pids, logs: layout.logs }, name));
  }
}
