import { mkdtempSync, readFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deviceResourceOf } from "../../components/compute/pools/machines.ts";
import { placementOf } from "../../components/compute/pools/placement.ts";
import { renderSimulatedPool, renderSimulatedPoolDefinition } from "../../components/compute/pools/simulated.ts";
import type { PoolOf } from "../../components/compute/pools/types.ts";
import { readIdentity } from "../cluster/http.ts";
import { controlPlaneLayout } from "../cluster/layout.ts";
import { simulationProcesses, startSimulated, stopSimulated } from "../cluster/simulated.ts";
import { loadStackFile, stackArguments } from "../lib/command-line.ts";
import { Failure } from "../lib/failure.ts";
import { type Report, silent } from "../lib/report.ts";
import { Api, concurrently, ignoring, type KubernetesObject } from "../simulation/api.ts";
import type { SimulatedStack } from "../simulation/cloud/workload.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { markdownTable } from "./markdown.ts";
import type { BenchOptions, Part, PartResult } from "./part.ts";

const POOLS = "/apis/millwright.dev/v1/simulatednodepools";
const JOBS = "/apis/batch/v1/namespaces/default/jobs";

/** Jobs that are made at once. */
const AT_ONCE = 8;
/** Seconds over which the work of keeping nodes alive is measured. */
const IDLE_SECONDS = 30;
const LONGEST_SECONDS = 480;

/** Ctrl-C ends the wait under way, and what was started is stopped and removed. */
const interrupted = new AbortController();

interface Measured {
  readonly stack: string;
  readonly nodes: number;
  readonly accelerators: number;
  readonly startSeconds: number;
  /** From the first pool's being declared. */
  readonly nodesReadySeconds: number;
  readonly jobs: number;
  /** From the first Job's being made until the pods of all run. */
  readonly jobsRunningSeconds: number;
  /** A start that finds everything as it should be. */
  readonly noOpSeconds: number;
  /** Cores in use while nothing happens. */
  readonly idleCores: number;
  /** Resident, by process, with all jobs running. */
  readonly memoryMiB: Readonly<Record<string, number>>;
  /** Of the machine, over the minute before the end. */
  readonly loadAverage: number;
}

/** How long a simulated cluster takes to be there and to be full, and what it costs this machine. */
export const simulated: Part = {
  name: "simulated",
  measures: "simulated clusters of 300 and 1,250 nodes: seconds to ready nodes and running jobs, memory, idle load",
  async run({ stacks }: BenchOptions, report: Report): Promise<PartResult> {
    await ensureTools(["etcd", "kubernetes"], report);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => interrupted.abort(new Failure("The measurement was interrupted", "run this again")));
    }
    const measured: Measured[] = [];
    for (const name of stacks) {
      measured.push(await report.step(name, (note) => measure(name, note)));
    }
    return { text: textOf(measured), json: measured };
  },
};

async function measure(name: string, note: (text: string) => void): Promise<Measured> {
  const loaded = await loadStackFile(stackArguments([name], undefined));
  const pools = loaded.pools.filter((pool): pool is PoolOf<"simulated"> => pool.provisioning.kind === "simulated");
  // Nothing but what is measured: no day, no failures.
  const quiet = {
    ...loaded.simulation!,
    jobs: { perDay: 0, hours: 24 },
    endpoints: 0,
    failures: { acceleratorDays: 1e9, repairMinutes: 30 },
    spotReclaimsPerDay: 0,
  };
  const stack: SimulatedStack = { name, pools, scheduling: loaded.scheduling, simulation: quiet };
  const root = mkdtempSync(path.join(tmpdir(), "millwright-bench-simulated-"));
  let api: Api | undefined;
  try {
    const starting = stopwatch();
    const { server } = await startSimulated(stack, silent, root);
    const startSeconds = starting();
    api = new Api(server, readIdentity(controlPlaneLayout(root).pki, "admin"));
    const client = api;
    await client.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      ...renderSimulatedPoolDefinition(),
    });
    // At first there is no such kind, and then nothing to keep it in.
    await until(async () => (await ignoring(429, () => client.find(POOLS))) !== undefined, "the kind of pools");

    const wanted = pools.reduce((sum, { size }) => sum + (size.kind === "fixed" ? size.nodes : size.min), 0);
    const readying = stopwatch();
    for (const pool of pools) await client.create(POOLS, renderSimulatedPool(pool));
    await until(async () => {
      const { items } = await client.list<KubernetesObject & { readonly status?: { readonly ready: number } }>(POOLS);
      const ready = items.reduce((sum, { status }) => sum + (status?.ready ?? 0), 0);
      note(`${ready} of ${wanted} nodes ready`);
      return ready === wanted;
    }, "ready nodes");
    const nodesReadySeconds = readying();

    const jobs = wholeNodeJobs(pools);
    const running = stopwatch();
    await concurrently(jobs, AT_ONCE, ({ job }) => client.create(JOBS, job));
    await until(async () => {
      const { items } = await client.list<KubernetesObject>(
        "/api/v1/namespaces/default/pods?fieldSelector=status.phase%3DRunning",
      );
      note(`${items.length} of ${jobs.length} jobs running`);
      return items.length === jobs.length;
    }, "running jobs");
    const jobsRunningSeconds = running();

    const noOp = stopwatch();
    const { started } = await startSimulated(stack, silent, root);
    const noOpSeconds = noOp();
    if (started.length > 0) throw new Error(`a start of what runs started ${started.join(", ")}`);
    note("idle");
    const before = cpuSeconds(root);
    await sleep(IDLE_SECONDS * 1000, undefined, { signal: interrupted.signal });
    const idleCores = (cpuSeconds(root) - before) / IDLE_SECONDS;
    return {
      stack: name,
      nodes: wanted,
      accelerators: jobs.reduce((sum, { accelerators }) => sum + accelerators, 0),
      startSeconds,
      nodesReadySeconds,
      jobs: jobs.length,
      jobsRunningSeconds,
      noOpSeconds,
      idleCores,
      memoryMiB: Object.fromEntries(simulationProcesses(root).map(({ name: part, pid }) => [part, residentMiB(pid)])),
      loadAverage: loadavg()[0]!,
    };
  } finally {
    api?.close();
    await stopSimulated(silent, { purge: true, root });
  }
}

/** A Job for each node with accelerators, which takes all of them, and how many these are. */
function wholeNodeJobs(pools: readonly PoolOf<"simulated">[]) {
  return pools.flatMap((pool) => {
    const { tolerations, nodeSelector } = placementOf(pool);
    const resource = deviceResourceOf(pool);
    const { machine, accelerator } = renderSimulatedPool(pool).spec;
    if (resource === undefined || accelerator === undefined || pool.size.kind !== "fixed") return [];
    return Array.from({ length: pool.size.nodes }, (_, at) => {
      const spec = {
        restartPolicy: "Never",
        nodeSelector,
        tolerations,
        automountServiceAccountToken: false,
        containers: [
          { name: "workload", image: "simulated", resources: { limits: { [resource]: machine.resources[resource] } } },
        ],
      };
      const job = {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: `${pool.name}-${at}` },
        spec: { template: { spec } },
      };
      return { job, accelerators: accelerator.count };
    });
  });
}

function stopwatch(): () => number {
  const begun = performance.now();
  return () => (performance.now() - begun) / 1000;
}

async function until(reached: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + LONGEST_SECONDS * 1000;
  while (!(await reached())) {
    interrupted.signal.throwIfAborted();
    if (Date.now() > deadline) {
      throw new Failure(`There were no ${what} after ${LONGEST_SECONDS} s`, "see that this machine is quiet (uptime)");
    }
    await sleep(500);
  }
}

/** Seconds of processor time its processes have used; Linux alone says. */
function cpuSeconds(root: string): number {
  const TICKS_A_SECOND = 100;
  return simulationProcesses(root).reduce((sum, { pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the command in parentheses: the 12th and 13th are user and system time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }, 0);
}

function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}

function textOf(measured: readonly Measured[]): string {
  const rows: [string, (each: Measured) => string][] = [
    ["nodes", ({ nodes }) => String(nodes)],
    ["accelerators", ({ accelerators }) => String(accelerators)],
    ["control plane and simulation started", ({ startSeconds }) => `${startSeconds.toFixed(1)} s`],
    ["all nodes ready", ({ nodesReadySeconds }) => `${nodesReadySeconds.toFixed(1)} s`],
    ["one job a node, all running", ({ jobs, jobsRunningSeconds: s }) => `${jobs} in ${s.toFixed(1)} s`],
    ["a start that changes nothing", ({ noOpSeconds }) => `${noOpSeconds.toFixed(1)} s`],
    ["cores while idle", ({ idleCores }) => idleCores.toFixed(2)],
    ...Object.keys(measured[0]?.memoryMiB ?? {}).map((part): [string, (each: Measured) => string] => [
      `memory of ${part}`,
      ({ memoryMiB }) => `${memoryMiB[part]} MiB`,
    ]),
    ["load average of the machine", ({ loadAverage }) => loadAverage.toFixed(1)],
  ];
  return markdownTable(
    ["", ...measured.map(({ stack }) => stack)],
    rows.map(([label, of]) => [label, ...measured.map(of)]),
  );
}
