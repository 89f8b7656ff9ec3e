import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { daemonAt, stopDaemon } from "../lib/daemon.ts";
import { Failure } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import type { Report } from "../lib/report.ts";
import { stateRoot } from "../lib/roots.ts";
import { containerd } from "./containerd.ts";
import { stopContainers, stopShims } from "./containers.ts";
import { MACHINE_LOCK, releaseMachine, runningParts } from "./holder.ts";
import { removeDockerPidFile } from "./image-parts.ts";
import { type ClusterLayout, clusterLayout } from "./layout.ts";
import { removeNetwork } from "./network.ts";
import { CNI_NETWORK } from "./node-config.ts";
import { pidFileOf } from "./parts.ts";
import { removeRunFolder, unmountUnder } from "./run-folder.ts";
import { ensureSystemPath } from "./system-path.ts";

export interface StopOptions {
  /** Also remove the state root: certificates, objects, images, artifacts and Pulumi's state. @default false */
  readonly purge?: boolean;
}

export interface StoppedCluster {
  /** Names of the parts that ran. */
  readonly stopped: readonly string[];
  readonly purged: boolean;
}

const LOCK_WAIT_SECONDS = 300;

/**
 * Stops everything of the local datacenter: pods (those that handle SIGTERM get 20 s to checkpoint), parts, mounts,
 * interfaces and iptables chains. The state stays, and the next start goes on with it. Stopping twice is harmless.
 */
export async function stopCluster(report: Report, options: StopOptions = {}): Promise<StoppedCluster> {
  const root = stateRoot();
  const purge = options.purge === true;
  if (!existsSync(root)) {
    return { stopped: [], purged: purge };
  }
  ensureSystemPath();
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return stopUnprivileged(root, purge);
  }
  return withLock(
    MACHINE_LOCK,
    "another start or stop of the local datacenter",
    async () => {
      const stopped = [...runningParts(root)].sort();
      const work = () => stopLocked(root, purge);
      await (stopped.length > 0 ? report.step("stopping the local datacenter", work) : work());
      return { stopped, purged: purge };
    },
    {
      waitSeconds: LOCK_WAIT_SECONDS,
      onWait: ({ pid }) => report.line(`waiting for process ${pid}, which starts or stops the local datacenter`),
    },
  );
}

async function stopLocked(root: string, purge: boolean): Promise<void> {
  await teardown(clusterLayout(root));
  releaseMachine(root);
  if (purge) {
    await removeState(root);
  }
}

/** A state root may hold Pulumi's state alone, of stacks on clusters that exist. */
function stopUnprivileged(root: string, purge: boolean): StoppedCluster {
  if (runningParts(root).size > 0) {
    throw new Failure(`The local datacenter of ${root} was started by root`, "run this as root");
  }
  if (purge) {
    rmSync(root, { recursive: true, force: true });
  }
  return { stopped: [], purged: purge };
}

/** Whoever restarts something goes before it, and whoever others write their last words to goes after them. */
const BEFORE_PODS = ["kubelet", "dockerd"];
const AFTER_PODS = ["containerd"];
const AFTER_SHIMS = [
  "registry",
  "coredns",
  "kube-proxy",
  "kube-scheduler",
  "kube-controller-manager",
  "kube-apiserver",
  "etcd",
];

export async function teardown(layout: ClusterLayout): Promise<void> {
  const stop = async (names: readonly string[]) => {
    for (const name of names) {
      await stopDaemon(pidFileOf({ pids: layout.pids, logs: layout.logs }, name));
    }
  };
  await stop(BEFORE_PODS);
  await stopContainers(layout.containerdSocket);
  await exitsAreRecorded(layout);
  await stop(AFTER_PODS);
  await stopShims(layout.containerdSocket);
  await stop(AFTER_SHIMS);
  removeDockerPidFile(layout);
  await removeNetwork();
  await unmountUnder(layout.root);
  removeShimSockets();
  await removeRunFolder(layout);
  removeCniResults();
  removeLogLinks(layout);
  await removeCgroups();
  removeDevicePlugins();
}

async function removeState(root: string): Promise<void> {
  await unmountUnder(root);
  rmSync(root, { recursive: true, force: true });
}

const RECORD_SECONDS = 5;

/** containerd forgets a task once it has written down how it ended, which the kubelet will want to know. */
async function exitsAreRecorded(layout: ClusterLayout): Promise<void> {
  const containerdRuns = daemonAt(pidFileOf({ pids: layout.pids, logs: layout.logs }, "containerd")) !== undefined;
  const deadline = Date.now() + RECORD_SECONDS * 1000;
  while (containerdRuns && Date.now() < deadline) {
    const { stdout } = await containerd(layout, "tasks", "list", "--quiet");
    if (stdout.trim() === "") {
      return;
    }
    await sleep(100);
  }
}

const SHIM_SOCKETS = "/run/containerd/s";

/** containerd 1.6's shims put their sockets into a fixed folder; of those nobody listens on any more none is missed. */
function removeShimSockets(): void {
  const listening = readFileSync("/proc/net/unix", "utf8");
  for (const name of entries(SHIM_SOCKETS)) {
    const socket = path.join(SHIM_SOCKETS, name);
    if (!listening.includes(socket)) {
      rmSync(socket);
    }
  }
}

const CNI_RESULTS = "/var/lib/cni/results";

/** What CNI's library remembers of attached pods, in a folder that cannot be chosen. */
function removeCniResults(): void {
  const results = entries(CNI_RESULTS);
  const ids = results.flatMap((name) => /^(\w+)-([0-9a-f]{64})-/.exec(name)?.slice(1, 3).join(" ") ?? []);
  const ours = new Set(ids.filter((id) => id.startsWith(`${CNI_NETWORK} `)).map((id) => id.split(" ")[1]));
  for (const name of results.filter((entry) => ours.has(/-([0-9a-f]{64})-/.exec(entry)?.[1]))) {
    rmSync(path.join(CNI_RESULTS, name));
  }
}

const LOG_LINKS = "/var/log/containers";

/** The kubelet links each container's log here, in a folder that cannot be chosen. */
function removeLogLinks(layout: ClusterLayout): void {
  for (const name of entries(LOG_LINKS)) {
    const link = path.join(LOG_LINKS, name);
    if (lstatSync(link).isSymbolicLink() && readlinkSync(link).startsWith(`${layout.podLogs}/`)) {
      rmSync(link);
    }
  }
}

const DEVICE_PLUGINS = "/var/lib/kubelet/device-plugins";

/** The kubelet's registry of device plugins, in a folder that cannot be chosen; another's plugins keep it. */
function removeDevicePlugins(): void {
  const known = ["kubelet.sock", "kubelet_internal_checkpoint", "DEPRECATION"];
  if (existsSync(DEVICE_PLUGINS) && entries(DEVICE_PLUGINS).every((name) => known.includes(name))) {
    rmSync(DEVICE_PLUGINS, { recursive: true });
    const parent = path.dirname(DEVICE_PLUGINS);
    if (entries(parent).length === 0) {
      rmdirSync(parent);
    }
  }
}

const CGROUPS = "/sys/fs/cgroup";
const CGROUP_SECONDS = 5;

/** Removes the groups containers were in: one tree with cgroup v2, one for each controller with v1. */
async function removeCgroups(): Promise<void> {
  const trees = [CGROUPS, ...entries(CGROUPS).map((name) => path.join(CGROUPS, name))];
  const deadline = Date.now() + CGROUP_SECONDS * 1000;
  for (const pods of trees.map((tree) => path.join(tree, "kubepods")).filter((group) => existsSync(group))) {
    // A group is busy until the parent of its last process has taken note of its end.
    while (!removeGroup(pods)) {
      if (Date.now() >= deadline) {
        throw new Failure(
          `Processes of pods do not end: ${pods}`,
          `see which: cat ${pods}/cgroup.procs, and its folders'`,
        );
      }
      await sleep(50);
    }
  }
  for (const docker of trees.map((tree) => path.join(tree, "docker")).filter((group) => existsSync(group))) {
    // Another dockerd of this machine shares the name, so only an empty one goes.
    removeGroup(docker, { children: false });
  }
}

/** False where it or a group in it still has processes. */
function removeGroup(group: string, { children = true } = {}): boolean {
  const inside = readdirSync(group, { withFileTypes: true }).filter((child) => child.isDirectory());
  if (children && !inside.map((child) => removeGroup(path.join(group, child.name))).every(Boolean)) {
    return false;
  }
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EBUSY" || code === "ENOTEMPTY") {
      return false;
    }
    throw error;
  }
}

function entries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
