import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { deviceResourceOf } from "../../components/compute/pools/machines.ts";
import { SIMULATED_CONTEXT } from "../../components/lifecycle/cluster.ts";
import { daemonAt, stopDaemon } from "../lib/daemon.ts";
import { Failure } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import type { Report } from "../lib/report.ts";
import { stateRoot } from "../lib/roots.ts";
import { LEASE_SECONDS } from "../simulation/cloud/cloud.ts";
import { type SimulatedStack, simulationConfig } from "../simulation/cloud/workload.ts";
import { heartbeatFile, simulationFile } from "../simulation/files.ts";
import type { ControlPlanePorts } from "./constants.ts";
import { controlPlaneParts, freePorts, prepareControlPlane, serverUrl } from "./control-plane.ts";
import type { ControlPlaneSettings } from "./control-plane-flags.ts";
import { controlPlaneLayout } from "./layout.ts";
import { type Part, pidFileOf, startParts, writeIfChanged } from "./parts.ts";

/**
 * The simulated cluster of this machine: the real control plane, without a node, and a process that makes nodes of nothing. It
 * needs no privileges and no docker, lives in a folder of its own under the state root and runs beside the local datacenter.
 */

/** Where it lives. */
export const simulatedRoot = (root: string = stateRoot()): string => path.join(root, "simulated");

export interface StartedSimulation {
  readonly root: string;
  readonly kubeconfigPath: string;
  readonly server: string;
  /** Names of the parts that were not running as they should and were started. */
  readonly started: readonly string[];
}

const LOCK_WAIT_SECONDS = 300;
const OWNER = "another start or stop of the simulated cluster";

/**
 * Brings the simulated cluster up, with what its stack says of scheduling and of what happens there. What runs as it should is
 * left alone; a changed simulation starts its process anew, which goes on where it was, and a changed placement the scheduler.
 *
 * @param root @default the state root's folder `simulated`
 * @throws Failure naming the part and the end of its log; what this call started is stopped
 */
export async function startSimulated(
  stack: SimulatedStack,
  report: Report,
  root: string = simulatedRoot(),
): Promise<StartedSimulation> {
  return locked(root, report, async () => {
    requireStack(stack.name, root);
    const layout = controlPlaneLayout(root);
    const ports = await portsOf(root);
    const settings: ControlPlaneSettings = {
      layout,
      ports,
      node: false,
      // Thousands of simulated nodes and pods would fill it with what nobody asks for.
      auditLog: false,
      // What a crash of the machine takes away is made again by the next start.
      durable: false,
      placement: stack.scheduling?.placement.kind ?? "spread",
      accelerators: acceleratorsOf(stack),
      nodeSilenceSeconds: LEASE_SECONDS,
      // At sixty seconds a second jobs come and go as fast as those of a cluster sixty times as large.
      jobSyncs: 20,
      context: SIMULATED_CONTEXT,
    };
    await prepareControlPlane(settings);
    writeIfChanged(simulationFile(root), `${JSON.stringify(simulationConfig(stack), undefined, 2)}\n`);
    const started: string[] = [];
    const parts = [...controlPlaneParts(settings), simulationPart(root, serverUrl(ports))];
    try {
      await startParts(parts, foldersOf(root), (name, work) => {
        started.push(name);
        return report.step(name, work);
      });
    } catch (error) {
      for (const name of [...started].reverse()) await stopDaemon(pidFileOf(foldersOf(root), name));
      throw error;
    }
    return { root, kubeconfigPath: layout.kubeconfig, server: serverUrl(ports), started };
  });
}

/**
 * Another stack would find the names of its pools and teams taken, by objects that the first one's state knows and its own does
 * not.
 */
function requireStack(name: string, root: string): void {
  const file = path.join(root, "config", "stack");
  const owner = existsSync(file) ? readFileSync(file, "utf8").trim() : name;
  if (owner !== name) {
    throw new Failure(
      `The simulated cluster of ${root} is the stack ${owner}'s, and there is one at a time`,
      `give that stack this one's file, npm run up -- ${owner} --stack-file stacks/Pulumi.${name}.yaml, or remove the cluster with all other state by npm run down -- --purge`,
    );
  }
  writeIfChanged(file, `${name}\n`);
}

/** What pods ask for to get devices of the stack's pools. */
function acceleratorsOf({ pools }: SimulatedStack): string[] {
  const resources = pools.map(deviceResourceOf).filter((resource) => resource !== undefined);
  return [...new Set(resources)].sort();
}

const SIMULATION = "simulation";
/** From the last to the first to be started, so that nobody logs the loss of what it depends on. */
const STOP_ORDER = [SIMULATION, "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"];

const foldersOf = (root: string) => ({ pids: path.join(root, "run", "pids"), logs: controlPlaneLayout(root).logs });

/** Longest time between two signs of life of the simulation's process. */
const HEARTBEAT_SECONDS = 15;

function simulationPart(root: string, server: string): Part {
  return {
    name: SIMULATION,
    command: process.execPath,
    args: [path.join(import.meta.dirname, "../simulation/daemon.ts"), `--root=${root}`, `--server=${server}`],
    after: ["kube-apiserver"],
    timeoutSeconds: 60,
    reads: [simulationFile(root)],
    probe: async () => {
      const { pid, at } = JSON.parse(readFileSync(heartbeatFile(root), "utf8")) as { pid: number; at: number };
      return (
        pid === daemonAt(pidFileOf(foldersOf(root), SIMULATION))?.pid && Date.now() - at < HEARTBEAT_SECONDS * 1000
      );
    },
  };
}

/** The ports it was started with, as long as it runs or they are free; else others, by which its parts start anew. */
async function portsOf(root: string): Promise<ControlPlanePorts> {
  const file = path.join(root, "config", "ports.json");
  if (existsSync(file)) {
    const ports = JSON.parse(readFileSync(file, "utf8")) as ControlPlanePorts;
    const free = await Promise.all(Object.values(ports).map(isFree));
    if (simulationProcesses(root).length > 0 || free.every(Boolean)) return ports;
  }
  const ports = await freePorts();
  writeIfChanged(file, `${JSON.stringify(ports)}\n`);
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Its parts that run, sorted by name. */
export function simulationProcesses(root: string = simulatedRoot()): { readonly name: string; readonly pid: number }[] {
  const { pids } = foldersOf(root);
  if (!existsSync(pids)) return [];
  const files = readdirSync(pids).filter((name) => name.endsWith(".json"));
  return files.sort().flatMap((file) => {
    const daemon = daemonAt(path.join(pids, file));
    return daemon === undefined ? [] : [{ name: path.basename(file, ".json"), pid: daemon.pid }];
  });
}

/**
 * Stops all of it. The state stays, and the next start goes on with it.
 *
 * @param purge also removes its folder
 * @returns names of the parts that ran
 */
export async function stopSimulated(
  report: Report,
  { purge = false, root = simulatedRoot() }: { readonly purge?: boolean; readonly root?: string } = {},
): Promise<string[]> {
  if (!existsSync(root)) return [];
  return locked(root, report, async () => {
    const running = simulationProcesses(root).map(({ name }) => name);
    const stop = async () => {
      for (const name of STOP_ORDER) await stopDaemon(pidFileOf(foldersOf(root), name), { graceSeconds: 10 });
    };
    await (running.length > 0 ? report.step("stopping the simulated cluster", stop) : stop());
    rmSync(heartbeatFile(root), { force: true });
    if (purge) {
      // The lock is in it and goes with it.
      rmSync(root, { recursive: true, force: true });
    }
    return running;
  });
}

function locked<T>(root: string, report: Report, work: () => Promise<T>): Promise<T> {
  return withLock(path.join(root, "lock"), OWNER, work, {
    waitSeconds: LOCK_WAIT_SECONDS,
    onWait: ({ pid }) => report.line(`waiting for process ${pid}, which starts or stops the simulated cluster`),
  });
}
