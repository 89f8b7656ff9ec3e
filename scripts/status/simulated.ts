import {
  SIMULATED_POOL_GROUP,
  SIMULATED_POOL_PLURAL,
  SIMULATED_POOL_VERSION,
  type SimulatedNodePool,
} from "../../components/compute/pools/simulated.ts";
import { COMPONENT_LABEL } from "../../components/core/labels.ts";
import {
  ApiError,
  type ClusterConnection,
  clusterConnection,
  kubeconfigOf,
} from "../../components/lifecycle/cluster.ts";
import type { Stack } from "../../stacks/schema.ts";
import { Failure } from "../lib/failure.ts";
import { FACTS_PATH, type Facts, parseFacts } from "../simulation/cloud/facts.ts";
import { isReady, machineOf, type NodeObject } from "../simulation/cloud/nodes.ts";
import { isOver, type PodObject, poolOf, quantityOf } from "../simulation/cloud/pods.ts";

/** A simulated pool, as `npm run status` shows it. */
export interface PoolStatus {
  readonly name: string;
  /** Nodes at least and at most; alike where the size is fixed. */
  readonly min: number;
  readonly max: number;
  readonly nodes: number;
  readonly ready: number;
  readonly failed: number;
  /** What pods ask for to get a device, or a part of one. @default it has none */
  readonly resource?: string;
  /** Devices of the nodes that are there, and of these those that pods have. */
  readonly devices: number;
  readonly allocated: number;
  /** Pods on its nodes, and those that wait for room there. */
  readonly podsPlaced: number;
  readonly podsWaiting: number;
}

export interface JobCounts {
  readonly waiting: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** What `npm run -s status -- simulated --json` prints. */
export interface SimulatedStatus {
  readonly stack: string;
  readonly pools: readonly PoolStatus[];
  readonly jobs: JobCounts;
  readonly servers: { readonly running: number; readonly wanted: number };
  readonly facts: Facts;
}

interface JobObject {
  readonly status?: {
    readonly active?: number;
    readonly ready?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

interface DeploymentObject {
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

/** What is read of the cluster. */
export interface SimulatedObjects {
  readonly pools: readonly SimulatedNodePool[];
  readonly nodes: readonly NodeObject[];
  readonly pods: readonly PodObject[];
  readonly jobs: readonly JobObject[];
  readonly deployments: readonly DeploymentObject[];
  readonly facts: Facts;
}

/** Pure: what has come of a simulated stack. */
export function simulatedStatus(stack: string, objects: SimulatedObjects): SimulatedStatus {
  const { pools, nodes, pods, jobs, deployments, facts } = objects;
  const unfinished = jobs.filter(
    ({ status }) => !status?.conditions?.some(({ type, status: value }) => endings.includes(type) && value === "True"),
  );
  const running = unfinished.filter(({ status }) => (status?.ready ?? 0) > 0).length;
  return {
    stack,
    pools: pools.map((pool) => poolStatus(pool, nodes, pods)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    jobs: { waiting: unfinished.length - running, running, succeeded: facts.jobsSucceeded, failed: facts.jobsFailed },
    servers: {
      running: deployments.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0),
      wanted: deployments.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0),
    },
    facts,
  };
}

const endings = ["Complete", "Failed"];

function poolStatus(
  { metadata: { name }, spec }: SimulatedNodePool,
  nodes: readonly NodeObject[],
  pods: readonly PodObject[],
): PoolStatus {
  const own = nodes.flatMap((node) => {
    const machine = machineOf(node);
    return machine?.pool === name ? [{ node, machine }] : [];
  });
  const names = new Set(own.map(({ machine }) => machine.name));
  const living = pods.filter((pod) => !isOver(pod));
  const placed = living.filter(({ spec: { nodeName } }) => nodeName !== undefined && names.has(nodeName));
  // A device's resource is what the pool offers that is neither a network interface nor memory.
  const resource = Object.keys(spec.machine.resources).find((each) => /^(nvidia|amd|aws\.amazon)\./.test(each));
  const devices = (each: Readonly<Record<string, string>> | undefined) =>
    resource === undefined ? 0 : quantityOf(each?.[resource] ?? "0");
  return {
    name,
    min: spec.size.min,
    max: spec.size.max,
    nodes: own.length,
    ready: own.filter(({ node }) => isReady(node)).length,
    failed: own.filter(({ machine }) => machine.failedUntilSeconds !== undefined).length,
    ...(resource === undefined ? {} : { resource }),
    devices: own.reduce((sum, { node }) => sum + devices(node.status?.allocatable), 0),
    allocated: placed
      .flatMap(({ spec: { containers } }) => containers)
      .reduce((sum, { resources }) => sum + devices(resources?.requests), 0),
    podsPlaced: placed.length,
    podsWaiting: living.filter((pod) => pod.spec.nodeName === undefined && poolOf(pod) === name).length,
  };
}

/** @throws Failure where the cluster cannot be read */
export async function readSimulatedStatus(stack: Stack): Promise<SimulatedStatus> {
  try {
    return await read(stack);
  } catch (error) {
    const { kubeconfig } = kubeconfigOf(stack.platform);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `The simulated cluster of ${kubeconfig} cannot be read: ${reason}`,
      `bring it up: npm run up -- ${stack.name}`,
      { cause: error },
    );
  }
}

async function read(stack: Stack): Promise<SimulatedStatus> {
  const connection = await clusterConnection(kubeconfigOf(stack.platform));
  const list = async <T>(path: string) => ((await connection.get(path)) as { items: T[] }).items;
  const label = `labelSelector=${encodeURIComponent(`${COMPONENT_LABEL}=simulation`)}`;
  const pools = `/apis/${SIMULATED_POOL_GROUP}/${SIMULATED_POOL_VERSION}/${SIMULATED_POOL_PLURAL}`;
  try {
    const [poolItems, nodes, pods, jobs, deployments, facts] = await Promise.all([
      list<SimulatedNodePool>(pools),
      list<NodeObject>(`/api/v1/nodes?labelSelector=${encodeURIComponent(`${COMPONENT_LABEL}=pool`)}`),
      list<PodObject>(`/api/v1/pods?${label}`),
      list<JobObject>(`/apis/batch/v1/jobs?${label}`),
      list<DeploymentObject>(`/apis/apps/v1/deployments?${label}`),
      optional(connection, FACTS_PATH),
    ]);
    return simulatedStatus(stack.name, {
      pools: poolItems,
      nodes,
      pods,
      jobs,
      deployments,
      facts: parseFacts(facts),
    });
  } finally {
    connection.close();
  }
}

/** What has happened is not there before anything has. */
async function optional(connection: ClusterConnection, path: string): Promise<unknown> {
  try {
    return await connection.get(path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** The page a person reads. */
export function renderSimulatedStatus({ stack, pools, jobs, servers, facts }: SimulatedStatus): string {
  const hours = facts.seconds / 3600;
  const header = ["pool", "nodes", "ready", "failed", "devices", "allocated", "pods", "waiting"];
  const rows = pools.map((pool) => [
    pool.name,
    pool.min === pool.max ? `${pool.nodes} of ${pool.max}` : `${pool.nodes} of ${pool.min} to ${pool.max}`,
    String(pool.ready),
    String(pool.failed),
    pool.devices === 0 ? "-" : `${pool.devices} ${pool.resource}`,
    pool.devices === 0 ? "-" : `${((100 * pool.allocated) / pool.devices).toFixed(1)} %`,
    String(pool.podsPlaced),
    String(pool.podsWaiting),
  ]);
  const widths = header.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]! + 2))).join("")}`.trimEnd();
  const between = facts.failures > 0 ? `, one in ${(facts.acceleratorDays / facts.failures).toFixed(0)}` : "";
  // The simulation writes its counts down now and then; Jobs are seen as they are, and may be ahead of them.
  const all = Math.max(facts.jobsCreated, jobs.running + jobs.waiting + jobs.succeeded + jobs.failed);
  return [
    `stack ${stack}: hour ${hours.toFixed(1)} of the simulation, ${facts.speed} simulated seconds a second`,
    "",
    line(header),
    ...rows.map(line),
    "",
    `  jobs: ${jobs.running} running, ${jobs.waiting} waiting, ${jobs.succeeded} done, ${jobs.failed} failed, ${all} in all`,
    `  servers: ${servers.running} of ${servers.wanted} running`,
    `  interruptions: ${facts.failures} nodes failed in ${facts.acceleratorDays.toFixed(0)} accelerator days${between}; ${facts.repairs} repaired, ${facts.reclaims} spot nodes taken back, ${facts.interruptedPods} pods lost`,
    "",
  ].join("\n");
}
