import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { renderSimulatedPoolDefinition } from "../../../../components/compute/pools/simulated.ts";
import { type ControlPlane, startControlPlane } from "../../../../scripts/cluster/control-plane.ts";
import { Api, type KubernetesObject } from "../../../../scripts/simulation/api.ts";
import { SimulatedClock } from "../../../../scripts/simulation/cloud/clock.ts";
import { SimulatedCloud } from "../../../../scripts/simulation/cloud/cloud.ts";
import { Driver } from "../../../../scripts/simulation/cloud/driver.ts";
import { type Facts, NO_FACTS } from "../../../../scripts/simulation/cloud/facts.ts";
import { machineOf, type NodeObject } from "../../../../scripts/simulation/cloud/nodes.ts";
import { DURATION_ANNOTATION, type PodObject } from "../../../../scripts/simulation/cloud/pods.ts";
import { WorkQueue } from "../../../../scripts/simulation/cloud/work-queue.ts";
import { simulationConfig } from "../../../../scripts/simulation/cloud/workload.ts";
import { poolObject, poolSpec, simulation } from "./fixtures.ts";

/**
 * Simulated machines under a real control plane: the controllers and the scheduler are the true ones, and time is made so fast,
 * or so full of failures, that a test sees what a cluster sees in months. What is not proved: how many nodes it bears
 * (`npm run bench -- simulated` measures that).
 */

const POOLS = "/apis/millwright.dev/v1/simulatednodepools";
const APPEARS_SECONDS = 60;

/** A control plane with the kind of pools, and machines that obey a simulation. */
class Simulated {
  readonly api: Api;
  readonly facts: Facts = { ...NO_FACTS };
  readonly errors: unknown[] = [];
  readonly #plane: ControlPlane;
  #stop: AbortController | undefined;
  #running: Promise<unknown> | undefined;

  private constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.api = new Api(plane.server, plane.identity);
  }

  static async start(): Promise<Simulated> {
    const simulated = new Simulated(await startControlPlane({ auditLog: false, placement: "pack" }));
    await simulated.api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      ...renderSimulatedPoolDefinition(),
    });
    await appears("the kind of pools", () => simulated.api.list(POOLS));
    return simulated;
  }

  /** Begins anew, as a new process would, by this simulation. */
  async run(written: Readonly<Record<string, unknown>>, withDay = false): Promise<void> {
    await this.pause();
    const { api, facts } = this;
    const config = simulationConfig({
      pools: [poolSpec("gpu")],
      scheduling: undefined,
      simulation: simulation(written),
    });
    const clock = new SimulatedClock(facts.seconds, config.simulation.speed);
    const work = new WorkQueue(8, (error) => this.errors.push(error));
    const log = () => {};
    const stop = new AbortController();
    const cloud = new SimulatedCloud({ api, clock, simulation: config.simulation, facts, work, log });
    const driver = new Driver({ api, clock, config, facts, log });
    this.#stop = stop;
    this.#running = Promise.all([cloud.run(stop.signal), ...(withDay ? [driver.run(stop.signal)] : [])]).then(() => {
      facts.seconds = clock.seconds;
    });
  }

  async pause(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
  }

  nodes = async () => (await this.api.list<NodeObject>("/api/v1/nodes")).items;
  pods = async () => (await this.api.list<PodObject>("/api/v1/namespaces/default/pods")).items;

  async stop(): Promise<void> {
    await this.pause();
    this.api.close();
    await this.#plane.stop();
  }
}

/** Waits until `look` gives something; false, undefined and errors are "not yet". */
async function appears<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + APPEARS_SECONDS * 1000;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const found = await look();
      if (found !== false && found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await sleep(200);
  }
  return assert.fail(`${what} did not appear in ${APPEARS_SECONDS} s${last === undefined ? "" : `: ${last}`}`);
}

/** Nothing fails, and time passes as on the wall. */
const QUIET = { speed: 1, failures: { acceleratorDays: 1e9 }, spotReclaimsPerDay: 0, jobs: { perDay: 0 } };

const podOf = (name: string, duration?: number): object => ({
  metadata: { name, ...(duration === undefined ? {} : { annotations: { [DURATION_ANNOTATION]: String(duration) } }) },
  spec: {
    automountServiceAccountToken: false,
    tolerations: [{ key: "nvidia.com/gpu", operator: "Exists" }],
    containers: [{ name: "c", image: "i", resources: { limits: { "nvidia.com/gpu": "8" } } }],
  },
});

describe("the simulated cloud", function () {
  this.timeout(240_000);
  let simulated: Simulated;

  before(async () => {
    simulated = await Simulated.start();
    await simulated.run(QUIET);
    await simulated.api.create(POOLS, poolObject("gpu"));
    await simulated.api.create(
      POOLS,
      poolObject("spot", { provisioning: { kind: "simulated", capacity: { kind: "spot" } } }),
    );
  });

  after(async () => {
    await simulated?.stop();
  });

  const ready = async (pool: string) =>
    (await simulated.api.get<KubernetesObject & { status?: { ready: number } }>(`${POOLS}/${pool}`)).status?.ready;

  it("makes the nodes of each pool, and says in its status that all are ready", async () => {
    await appears("every ready node", async () => (await ready("gpu")) === 4 && (await ready("spot")) === 4);
    const names = (await simulated.nodes()).map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(names, ["gpu-0", "gpu-1", "gpu-2", "gpu-3", "spot-0", "spot-1", "spot-2", "spot-3"]);
  });

  it("follows the size a pool is given", async () => {
    const resize = (nodes: number) =>
      simulated.api.patch(`${POOLS}/spot`, "merge", { spec: { size: { min: nodes, max: nodes } } });
    const count = async () =>
      (await simulated.nodes()).filter(({ metadata }) => metadata.name.startsWith("spot-")).length;
    await resize(6);
    await appears("six nodes", async () => (await count()) === 6);
    await resize(3);
    await appears("three nodes", async () => (await count()) === 3);
  });

  it("makes nodes anew whose pool has changed, one after the other", async () => {
    await simulated.api.patch(`${POOLS}/spot`, "merge", { spec: { machine: { cpu: 48 } } });
    const cores = async () =>
      (await simulated.nodes())
        .filter(({ metadata }) => metadata.name.startsWith("spot-"))
        .map(({ status }) => status?.allocatable?.["cpu"]);
    await appears("three nodes of 48 cores", async () => String(await cores()) === "48,48,48");
    await appears("every ready node", async () => (await ready("spot")) === 3);
    const uids = async () => (await simulated.nodes()).map(({ metadata }) => metadata.uid).sort();
    const now = await uids();
    await sleep(3000);
    assert.deepEqual(await uids(), now, "nodes that are as their pool says were made anew");
  });

  it("runs a pod for its time, and one without a time until it is deleted", async () => {
    await simulated.run({ ...QUIET, speed: 100 });
    const pods = "/api/v1/namespaces/default/pods";
    await simulated.api.create(pods, podOf("timed", 300));
    await simulated.api.create(pods, podOf("endless"));
    const phase = async (name: string) => (await simulated.api.get<PodObject>(`${pods}/${name}`)).status?.phase;
    await appears("a running pod", async () => (await phase("endless")) === "Running");
    await appears("a pod that has ended", async () => (await phase("timed")) === "Succeeded");
    assert.equal(await phase("endless"), "Running");
    // As a person would, with a grace period: who lets it go is its node.
    await simulated.api.remove(`${pods}/endless`, { gracePeriodSeconds: 30 });
    await appears(
      "a pod that is gone",
      async () => !(await simulated.pods()).some((pod) => pod.metadata.name === "endless"),
    );
    await simulated.api.remove(`${pods}/timed`);
  });

  it("makes a Job's pod anew where its node failed, and replaces the node after its time", async () => {
    await simulated.run({ ...QUIET, speed: 1 });
    const job = podOf("worker") as { spec: object };
    await simulated.api.create("/apis/batch/v1/namespaces/default/jobs", {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "work" },
      spec: {
        parallelism: 4,
        completions: 4,
        backoffLimit: 0,
        podFailurePolicy: {
          rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
        },
        template: { spec: { ...job.spec, restartPolicy: "Never", nodeSelector: { "millwright.dev/pool": "gpu" } } },
      },
    });
    const running = async () => (await simulated.pods()).filter(({ status }) => status?.phase === "Running");
    const first = await appears("four running pods", async () => {
      const pods = await running();
      return pods.length === 4 && pods;
    });
    // A day in ten seconds, in which eight accelerators of a node fail every other day.
    await simulated.run({ ...QUIET, speed: 8640, failures: { acceleratorDays: 16, repairMinutes: 240 } });
    const failed = await appears("a failed node", async () =>
      (await simulated.nodes()).find((node) => machineOf(node)?.failedUntilSeconds !== undefined),
    );
    const { name } = failed.metadata;
    const ready_ = (node: NodeObject | undefined) =>
      node?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    assert.equal(ready_(failed), false);
    const find = async () => (await simulated.nodes()).find(({ metadata }) => metadata.name === name);
    const lost = first.filter(({ spec }) => spec.nodeName === name).map(({ metadata }) => metadata.uid);
    await appears("a node without its pods", async () => {
      const present = (await simulated.pods()).map(({ metadata }) => metadata.uid);
      return lost.every((uid) => !present.includes(uid));
    });
    await appears("a repaired node", async () => {
      const node = await find();
      return node !== undefined && (machineOf(node)?.life ?? 0) > 0 && ready_(node);
    });
    assert.ok(simulated.facts.failures > 0 && simulated.facts.repairs > 0);
    assert.ok(simulated.facts.interruptedPods >= lost.length);
    await simulated.run(QUIET);
    // All are repaired by and by, and the Job, which may not fail once by its own fault, has all its pods again.
    await simulated.run({ ...QUIET, speed: 8640, failures: { acceleratorDays: 1e9, repairMinutes: 240 } });
    await appears("four running pods again", async () => (await running()).length === 4);
    await simulated.api.remove("/apis/batch/v1/namespaces/default/jobs/work", { propagationPolicy: "Background" });
  });

  it("takes spot nodes back and brings others, under the same names", async () => {
    const uids = async () => new Map((await simulated.nodes()).map(({ metadata }) => [metadata.name, metadata.uid]));
    const before = await uids();
    await simulated.run({
      ...QUIET,
      speed: 8640,
      spotReclaimsPerDay: 2,
      failures: { acceleratorDays: 1e9, repairMinutes: 10 },
    });
    await appears("another machine", async () => {
      const now = await uids();
      return ["spot-0", "spot-1", "spot-2"].some((name) => now.has(name) && now.get(name) !== before.get(name));
    });
    assert.ok(simulated.facts.reclaims > 0);
    assert.equal((await uids()).get("gpu-0"), before.get("gpu-0"));
  });

  it("makes the jobs and services of its day, and counts what has ended", async () => {
    await simulated.run({ ...QUIET, speed: 600, jobs: { perDay: 2000, hours: 1 }, endpoints: 2 }, true);
    await appears("jobs that have ended", async () => simulated.facts.jobsSucceeded >= 5);
    assert.ok(simulated.facts.jobsCreated >= simulated.facts.jobsSucceeded);
    assert.equal(simulated.facts.jobsFailed, 0);
    const deployments = await simulated.api.list<KubernetesObject>("/apis/apps/v1/namespaces/default/deployments");
    assert.deepEqual(deployments.items.map(({ metadata }) => metadata.name).sort(), ["endpoint-0", "endpoint-1"]);
  });

  it("takes the nodes of a pool away with it, and was refused nothing", async () => {
    await simulated.run(QUIET);
    await simulated.api.remove(`${POOLS}/spot`, {});
    await appears(
      "no spot node",
      async () => !(await simulated.nodes()).some(({ metadata }) => /^spot-/.test(metadata.name)),
    );
    assert.deepEqual(simulated.errors, []);
  });
});
