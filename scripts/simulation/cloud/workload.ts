import { nodeOf } from "../../../components/compute/pools/capacity.ts";
import { type Placed, place, placementsOf } from "../../../components/compute/scheduling/queue.ts";
import { labelsFor } from "../../../components/core/labels.ts";
import type { Stack } from "../../../stacks/schema.ts";
import type { SimulationSpec } from "../../../stacks/simulation.ts";
import { simulationSchema } from "../../../stacks/simulation.ts";
import { type Random, seededRandom } from "../random.ts";
import { DURATION_ANNOTATION } from "./pods.ts";

/** A pool as far as a team's workloads use it. */
export interface PoolUse {
  readonly pool: string;
  /** How often the team's jobs go there, beside its other pools. */
  readonly weight: number;
  /** Devices, or parts of them, of one node; 0 without any. */
  readonly devices: number;
  /** Whether its devices are whole ones, of which a job may want several. */
  readonly whole: boolean;
  /** Nodes' worth of it the team's quota holds, at most as many as there are. */
  readonly nodes: number;
  /** Cores and memory of a node for each of its devices; of all of it where it has none. */
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly job: Placed;
  /** The same of a job of several pods, which talk to each other. */
  readonly gang: Placed;
  readonly endpoint: Placed;
}

export interface TeamUse {
  readonly team: string;
  readonly namespace: string;
  readonly weight: number;
  readonly pools: readonly PoolUse[];
}

/** All the simulation is told of a stack: what its process reads from its file. */
export interface SimulationConfig {
  readonly simulation: SimulationSpec;
  readonly teams: readonly TeamUse[];
}

/** Of a node's cores and memory, what pods get together: the rest is the system's. */
const USABLE = 0.9;

/** Whose the workloads are where a stack names no teams. */
const NOBODY = { name: "simulation", namespace: "default", weight: 1 };

/** What a simulated cluster is told of its stack. */
export type SimulatedStack = Pick<Stack, "name" | "pools" | "scheduling" | "simulation">;

/** What happens on a stack's pools. Pure: the same stack gives the same. */
export function simulationConfig(stack: Omit<SimulatedStack, "name">): SimulationConfig {
  const teams = stack.scheduling?.teams ?? [];
  const uses = teams.length > 0 ? teams : [{ ...NOBODY, quotas: undefined }];
  return {
    simulation: stack.simulation ?? simulationSchema.parse({}),
    teams: uses.map(({ name, namespace = name, weight, quotas }) => ({
      team: name,
      namespace,
      weight,
      pools: stack.pools.flatMap((pool): PoolUse[] => {
        const node = nodeOf(pool);
        const devices = node.accelerators * node.devicesPerAccelerator;
        const most = pool.size.kind === "fixed" ? pool.size.nodes : pool.size.max;
        const quota = quotas?.find((each) => each.pool === pool.name);
        const held =
          quota === undefined
            ? quotas === undefined
              ? most
              : 0
            : devices > 0
              ? (quota.accelerators ?? 0) / devices
              : (quota.cpu ?? 0) / node.cpu;
        const nodes = Math.min(most, held);
        if (nodes <= 0) return [];
        const placements = placementsOf(stack.pools, stack.scheduling, teams.length > 0 ? name : undefined);
        const parts = Math.max(1, devices);
        return [
          {
            pool: pool.name,
            weight: nodes * Math.max(1, node.accelerators),
            devices,
            whole: pool.devices.kind === "whole",
            nodes,
            cpu: (USABLE * node.cpu) / parts,
            memoryGiB: (USABLE * node.memoryGiB) / parts,
            job: place({ part: "training", pool: pool.name }, placements),
            gang: place({ part: "training", pool: pool.name, group: 2 }, placements),
            endpoint: place({ part: "serving", pool: pool.name }, placements),
          },
        ];
      }),
    })),
  };
}

/** A job of the simulated day. */
export interface SimulatedJob {
  readonly name: string;
  readonly team: TeamUse;
  readonly use: PoolUse;
  /** Simulated seconds from the beginning. */
  readonly atSeconds: number;
  /** Pods, which all run at once. */
  readonly workers: number;
  /** Devices of each pod; 0 for cores alone. */
  readonly devices: number;
  readonly durationSeconds: number;
}

/**
 * Sizes of jobs: workers, and the share of a node's devices each has (0 is one device). Most jobs want one device, as
 * everywhere (48 and 38 of a hundred pods in Alibaba's trace of 2023 want one and a part of one); the share of those that
 * want whole nodes is ours, chosen higher than there, as a datacenter for training would have it. Durations are log-normal:
 * of one device as fitted to that trace, of several with its longer tail (scripts/simulation/replay/synthetic.ts), a day at most.
 */
const JOB_SIZES = [
  { workers: 1, ofNode: 0, weight: 70, medianSeconds: 727, sigma: 1.8 },
  { workers: 1, ofNode: 0.25, weight: 10, medianSeconds: 1500, sigma: 1.8 },
  { workers: 1, ofNode: 0.5, weight: 5, medianSeconds: 1500, sigma: 1.8 },
  { workers: 1, ofNode: 1, weight: 10, medianSeconds: 1500, sigma: 2.6 },
  { workers: 2, ofNode: 1, weight: 3, medianSeconds: 1500, sigma: 2.6 },
  { workers: 4, ofNode: 1, weight: 1.5, medianSeconds: 1500, sigma: 2.6 },
  { workers: 8, ofNode: 1, weight: 0.5, medianSeconds: 1500, sigma: 2.6 },
] as const;

const LONGEST_SECONDS = 86_400;

/**
 * The jobs of the simulated day in the order of their arrival: at random (a Poisson process of `perDay` a day), of teams by
 * their weights and pools by the team's quota there, never larger than that quota.
 */
export function jobsOf({ simulation, teams }: SimulationConfig): SimulatedJob[] {
  const able = teams.filter(({ pools }) => pools.length > 0);
  if (simulation.jobs.perDay === 0 || able.length === 0) return [];
  const random = seededRandom(simulation.seed, "jobs");
  const end = simulation.jobs.hours * 3600;
  const gap = 86_400 / simulation.jobs.perDay;
  const jobs: SimulatedJob[] = [];
  for (let at = random.exponential(gap); at < end; at += random.exponential(gap)) {
    jobs.push(drawJob(`job-${String(jobs.length).padStart(6, "0")}`, at, able, random));
  }
  return jobs;
}

function drawJob(name: string, atSeconds: number, teams: readonly TeamUse[], random: Random): SimulatedJob {
  const team = random.pick(teams);
  const use = random.pick(team.pools);
  const largest = Math.max(1, Math.floor(use.nodes));
  const sizes = JOB_SIZES.filter(
    ({ workers, ofNode }) => ofNode === 0 || (use.whole && use.devices > 1 && use.nodes >= 1 && workers <= largest),
  );
  const { workers, ofNode, medianSeconds, sigma } = random.pick(sizes);
  return {
    name,
    team,
    use,
    atSeconds,
    workers,
    devices: use.devices === 0 ? 0 : Math.max(1, Math.round(ofNode * use.devices)),
    durationSeconds: Math.ceil(Math.min(LONGEST_SECONDS, random.logNormal(medianSeconds, sigma))),
  };
}

/** A service of the simulated day. */
export interface SimulatedEndpoint {
  readonly name: string;
  readonly team: TeamUse;
  readonly use: PoolUse;
  readonly replicas: number;
}

/** Services, one to four servers each, every server with one device; they run all day. */
export function endpointsOf({ simulation, teams }: SimulationConfig): SimulatedEndpoint[] {
  const able = teams.filter(({ pools }) => pools.length > 0);
  if (able.length === 0) return [];
  const random = seededRandom(simulation.seed, "endpoints");
  return Array.from({ length: simulation.endpoints }, (_, at) => {
    const team = random.pick(able);
    const most = 1 + Math.floor(random.uniform() * 4);
    const use = random.pick(team.pools);
    const room = Math.max(1, Math.floor(use.nodes * Math.max(1, use.devices)));
    return { name: `endpoint-${at}`, team, use, replicas: Math.min(most, room) };
  });
}

const labels = { ...labelsFor({ component: "simulation" }), "app.kubernetes.io/managed-by": "millwright-simulation" };

/** Seconds on the wall that a finished Job stays: what is counted of it is counted by then. */
const KEPT_SECONDS = 30;

export function jobObject({ name, team, use, workers, devices, durationSeconds }: SimulatedJob) {
  const job = workers > 1 ? use.gang : use.job;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: team.namespace, labels: { ...labels, ...job.labels } },
    spec: {
      completions: workers,
      parallelism: workers,
      completionMode: "Indexed",
      ...(job.isQueued ? { suspend: true } : {}),
      ttlSecondsAfterFinished: KEPT_SECONDS,
      // A pod whose node was lost is made anew, however often that happens.
      podFailurePolicy: {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
      },
      template: {
        metadata: {
          labels,
          annotations: { ...job.annotations, [DURATION_ANNOTATION]: String(durationSeconds) },
        },
        spec: podSpec(use, job, devices, { restartPolicy: "Never" }),
      },
    },
  };
}

export function endpointObject({ name, team, use, replicas }: SimulatedEndpoint) {
  const selector = { "simulation.millwright.dev/endpoint": name };
  const { endpoint } = use;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: team.namespace, labels: { ...labels, ...endpoint.labels } },
    spec: {
      replicas,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...labels, ...selector }, annotations: endpoint.annotations },
        spec: podSpec(use, endpoint, Math.min(1, use.devices), {}),
      },
    },
  };
}

/** A pod of the restricted standard, though nothing runs it: teams' namespaces may ask for that. */
function podSpec(use: PoolUse, placed: Placed, devices: number, more: object) {
  // Of a pool without devices, a twentieth of a node.
  const share = use.devices === 0 ? 0.05 : devices;
  const resources = {
    cpu: `${Math.max(1, Math.floor(1000 * use.cpu * share))}m`,
    memory: `${Math.max(1, Math.floor(1024 * use.memoryGiB * share))}Mi`,
    ...(placed.resource === undefined || devices === 0 ? {} : { [placed.resource]: String(devices) }),
  };
  return {
    ...more,
    ...placed.pod,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "workload",
        image: "simulated",
        resources: { requests: resources, limits: resources },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  };
}
