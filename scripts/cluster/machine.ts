import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { REGISTRY } from "../images/registry.ts";
import { Failure } from "../lib/failure.ts";
import { freeGiB } from "../toolchain/disk.ts";
import { findOnPath, isExecutable } from "../toolchain/path.ts";
import { BRIDGE, CONTROL_PLANE_PORTS, NODE_PORTS, POD_CIDR, SERVICE_CIDR } from "./constants.ts";
import { CNI_PLUGIN_FOLDER, type NodeFacts, nameservers } from "./node-config.ts";

const execute = promisify(execFile);

/** What of a machine decides whether it can be a node. */
export interface MachineFacts {
  readonly platform: string;
  readonly uid: number;
  /** Effective capabilities, as a bit set. */
  readonly capabilities: bigint;
  readonly cgroupsMounted: boolean;
  readonly overlay: boolean;
  /** Programs and CNI plugins that are needed and not there. */
  readonly missing: readonly string[];
  /** Under the state root. */
  readonly freeDiskGiB: number;
  readonly takenPorts: readonly TakenPort[];
  /** Networks of the machine that overlap with the cluster's. */
  readonly overlaps: readonly string[];
}

export interface TakenPort {
  readonly port: number;
  readonly part: string;
  /** The process that listens, where it may be known. */
  readonly holder: string | undefined;
}

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
const CAP_SYS_RESOURCE = 24n;
const MINIMUM_DISK_GIB = 5;

const ELSEWHERE =
  "or name a cluster that exists in the stack file, platform.cluster: { kind: existing, context: <context> } (kind, k3d, minikube or any other)";

/** Why this machine cannot be a node now, as what a user sees; undefined where it can. Pure. */
export function judgeMachine(facts: MachineFacts): Failure | undefined {
  if (facts.platform !== "linux") {
    return new Failure(
      `The local datacenter's node needs Linux, and this is ${facts.platform}`,
      `run this on Debian 12, ${ELSEWHERE}`,
    );
  }
  if (facts.uid !== 0) {
    return new Failure(
      `The local datacenter's node needs root, and this is user ${facts.uid}`,
      `run this as root, ${ELSEWHERE}`,
    );
  }
  const lacking = [
    { bit: CAP_NET_ADMIN, name: "CAP_NET_ADMIN" },
    { bit: CAP_SYS_ADMIN, name: "CAP_SYS_ADMIN" },
  ].filter(({ bit }) => !hasCapability(facts.capabilities, bit));
  if (lacking.length > 0) {
    return new Failure(
      `The local datacenter's node needs ${lacking.map(({ name }) => name).join(" and ")}, which this container does not have`,
      `run this on a machine of its own or in a privileged container, ${ELSEWHERE}`,
    );
  }
  if (!facts.cgroupsMounted || !facts.overlay) {
    const what = facts.cgroupsMounted ? "overlay file systems" : "cgroups at /sys/fs/cgroup";
    return new Failure(`The kernel offers no ${what} here`, `run this on Debian 12, ${ELSEWHERE}`);
  }
  if (facts.missing.length > 0) {
    return new Failure(
      `The node needs ${facts.missing.join(", ")}, which this machine does not have`,
      "apt-get install containerd runc containernetworking-plugins iptables conntrack iproute2 openssl docker.io docker-registry",
    );
  }
  if (facts.freeDiskGiB < MINIMUM_DISK_GIB) {
    return new Failure(
      `The disk of the state root has ${facts.freeDiskGiB.toFixed(1)} GiB left, and the datacenter needs ${MINIMUM_DISK_GIB}`,
      "free some, or set MILLWRIGHT_HOME to a folder on another disk",
    );
  }
  if (facts.takenPorts.length > 0) {
    const ports = facts.takenPorts.map(({ port, part, holder }) => `${port} (${part}) by ${holder ?? "a process"}`);
    return new Failure(
      `Ports of the local datacenter are taken: ${ports.join(", ")}`,
      `stop what listens there (ss -ltnp), ${ELSEWHERE}`,
    );
  }
  if (facts.overlaps.length > 0) {
    return new Failure(
      `The machine already routes ${facts.overlaps.join(", ")}, which overlaps with the datacenter's ${POD_CIDR} and ${SERVICE_CIDR}`,
      `leave that network (ip route), ${ELSEWHERE}`,
    );
  }
  return undefined;
}

const COMMANDS = [
  "containerd",
  "ctr",
  "containerd-shim-runc-v2",
  "runc",
  "iptables",
  "conntrack",
  "ip",
  "openssl",
  "dockerd",
  "docker-registry",
];
const CNI_PLUGINS = ["bridge", "host-local", "portmap", "loopback"];

/** Ports a part listens on, by its name. */
export const PORTS_OF_PARTS: Readonly<Record<string, readonly number[]>> = {
  etcd: [CONTROL_PLANE_PORTS.etcdClient, CONTROL_PLANE_PORTS.etcdPeer],
  "kube-apiserver": [CONTROL_PLANE_PORTS.apiServer],
  "kube-controller-manager": [CONTROL_PLANE_PORTS.controllerManager],
  "kube-scheduler": [CONTROL_PLANE_PORTS.scheduler],
  kubelet: [NODE_PORTS.kubelet, NODE_PORTS.kubeletHealth],
  "kube-proxy": [NODE_PORTS.proxyMetrics, NODE_PORTS.proxyHealth],
  coredns: [NODE_PORTS.dnsHealth],
  registry: [Number(REGISTRY.split(":")[1])],
};

/** @param running names of parts that run already, whose ports are rightly taken */
export async function readMachine(stateRoot: string, running: ReadonlySet<string>): Promise<MachineFacts> {
  const linux = process.platform === "linux";
  return {
    platform: process.platform,
    uid: process.getuid?.() ?? -1,
    capabilities: linux ? capabilities(readFileSync("/proc/self/status", "utf8")) : 0n,
    cgroupsMounted: existsSync("/sys/fs/cgroup/cgroup.controllers") || existsSync("/sys/fs/cgroup/memory"),
    overlay: linux && (await hasOverlay()),
    missing: [
      ...COMMANDS.filter((command) => findOnPath(command) === undefined),
      ...CNI_PLUGINS.map((plugin) => path.join(CNI_PLUGIN_FOLDER, plugin)).filter((file) => !isExecutable(file)),
    ],
    freeDiskGiB: freeGiB(stateRoot),
    takenPorts: linux ? await takenPorts(running) : [],
    overlaps: linux ? overlapping(await routes(), [POD_CIDR, SERVICE_CIDR]) : [],
  };
}

/** The effective capabilities in the text of /proc/<pid>/status. */
export function capabilities(status: string): bigint {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}

const hasCapability = (set: bigint, bit: bigint) => ((set >> bit) & 1n) === 1n;

/** Also where the kernel has it as a module that nobody needed yet. */
async function hasOverlay(): Promise<boolean> {
  const listed = () => /\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));
  if (!listed() && findOnPath("modprobe") !== undefined) {
    // Whether it helped is what is looked at next.
    await execute("modprobe", ["overlay"]).catch(() => {});
  }
  return listed();
}

async function takenPorts(running: ReadonlySet<string>): Promise<TakenPort[]> {
  const wanted = Object.entries(PORTS_OF_PARTS)
    .filter(([part]) => !running.has(part))
    .flatMap(([part, ports]) => ports.map((port) => ({ part, port })));
  const taken = await Promise.all(wanted.map(async (entry) => ((await isFree(entry.port)) ? [] : [entry])));
  return Promise.all(taken.flat().map(async (entry) => ({ ...entry, holder: await listenerOf(entry.port) })));
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") {
        resolve(false);
      } else {
        reject(error);
      }
    });
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}

async function listenerOf(port: number): Promise<string | undefined> {
  try {
    const { stdout } = await execute("ss", ["-Hltnp", `sport = :${port}`]);
    const match = /users:\(\("([^"]+)",pid=(\d+)/.exec(stdout);
    return match === null ? undefined : `${match[1]} (process ${match[2]})`;
  } catch {
    // Only makes the message poorer: the port is taken whoever holds it.
    return undefined;
  }
}

export interface Route {
  /** `default` or a network as address/length; a single address has no length. */
  readonly dst: string;
  readonly dev?: string;
}

/** None where `ip` is not installed yet, which `missing` reports. */
async function routes(): Promise<Route[]> {
  if (findOnPath("ip") === undefined) {
    return [];
  }
  const { stdout } = await execute("ip", ["-j", "-4", "route", "show"]);
  return JSON.parse(stdout) as Route[];
}

/** Routes that lead a part of `networks` elsewhere than to our bridge. */
export function overlapping(routes: readonly Route[], networks: readonly string[]): string[] {
  return routes
    .filter(({ dst, dev }) => dst !== "default" && dev !== BRIDGE && networks.some((network) => overlap(dst, network)))
    .map(({ dst, dev }) => (dev === undefined ? dst : `${dst} (${dev})`));
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [parseNetwork(one), parseNetwork(other)];
  const length = Math.min(a.length, b.length);
  return length === 0 || a.address >>> (32 - length) === b.address >>> (32 - length);
}

function parseNetwork(text: string): { address: number; length: number } {
  const [address = "", length = "32"] = text.split("/");
  return { address: address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0), length: Number(length) };
}

/** What of the machine the node's configuration depends on. */
export async function readNodeFacts(
  pauseImage: string,
): Promise<NodeFacts & { readonly upstreams: readonly string[] }> {
  const resolvConf = "/etc/resolv.conf";
  const upstreams = existsSync(resolvConf) ? nameservers(readFileSync(resolvConf, "utf8")) : [];
  return {
    pauseImage,
    resolvConf: podResolvConf(upstreams, existsSync(SYSTEMD_RESOLV_CONF)),
    maySetOomScore: hasCapability(capabilities(readFileSync("/proc/self/status", "utf8")), CAP_SYS_RESOURCE),
    mtu: await defaultMtu(),
    upstreams,
  };
}

const SYSTEMD_RESOLV_CONF = "/run/systemd/resolve/resolv.conf";

/** A resolver on the loopback address, such as systemd's, cannot be reached from a pod's network. */
export function podResolvConf(upstreams: readonly string[], systemdFileExists: boolean): string {
  const onlyLoopback = upstreams.length > 0 && upstreams.every((address) => address.startsWith("127."));
  return onlyLoopback && systemdFileExists ? SYSTEMD_RESOLV_CONF : "/etc/resolv.conf";
}

async function defaultMtu(): Promise<number> {
  const dev = (await routes()).find(({ dst }) => dst === "default")?.dev;
  if (dev === undefined) {
    return 1500;
  }
  return Math.min(1500, Number(readFileSync(`/sys/class/net/${dev}/mtu`, "utf8")));
}
