import assert from "node:assert/strict";
import {
  endpointObject,
  endpointsOf,
  jobObject,
  jobsOf,
  type SimulationConfig,
  simulationConfig,
} from "../../../../scripts/simulation/cloud/workload.ts";
import { poolSpec, scheduling, simulation } from "./fixtures.ts";

const POOLS = [
  poolSpec("big", { size: { kind: "fixed", nodes: 10 } }),
  poolSpec("mig", { devices: { kind: "mig", profile: "1g.10gb" } }),
  poolSpec("cpu", { machine: { cpu: 32, memoryGiB: 128 } }),
];
const TEAMS = scheduling([
  {
    name: "research",
    quotas: [
      { pool: "big", accelerators: 40 },
      { pool: "cpu", cpu: 64 },
    ],
  },
  { name: "product", namespace: "shop", quotas: [{ pool: "mig", accelerators: 100 }] },
]);

const config = (written: Record<string, unknown> = {}, withTeams = true): SimulationConfig =>
  simulationConfig({ pools: POOLS, scheduling: withTeams ? TEAMS : undefined, simulation: simulation(written) });

describe("what happens on a simulated stack", () => {
  it("is told by team: its namespace, its pools, and of each what its quota holds", () => {
    const { teams } = config();
    assert.deepEqual(
      teams.map(({ team, namespace, pools }) => [team, namespace, pools.map(({ pool, nodes }) => [pool, nodes])]),
      [
        [
          "research",
          "research",
          [
            ["big", 5],
            ["cpu", 2],
          ],
        ],
        ["product", "shop", [["mig", 100 / 56]]],
      ],
    );
  });

  it("is nobody's in particular where there are no teams", () => {
    const [nobody, ...others] = config({}, false).teams;
    assert.deepEqual(others, []);
    assert.equal(nobody?.namespace, "default");
    assert.deepEqual(
      nobody?.pools.map(({ pool }) => pool),
      ["big", "mig", "cpu"],
    );
  });
});

describe("jobs of a simulated day", () => {
  it("are the same for the same seed; more of them begin alike", () => {
    const some = jobsOf(config({ jobs: { hours: 6 } }));
    assert.deepEqual(jobsOf(config({ jobs: { hours: 6 } })), some);
    assert.deepEqual(jobsOf(config({ jobs: { hours: 12 } })).slice(0, some.length), some);
    assert.notDeepEqual(jobsOf(config({ jobs: { hours: 6 }, seed: 18 })), some);
  });

  it("are about as many as a day has, in the order of time, each within the hours", () => {
    const jobs = jobsOf(config({ jobs: { perDay: 2000, hours: 48 } }));
    assert.ok(Math.abs(jobs.length - 4000) < 200, String(jobs.length));
    const times = jobs.map(({ atSeconds }) => atSeconds);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    assert.ok(times.at(-1)! < 48 * 3600);
    assert.deepEqual(jobsOf(config({ jobs: { perDay: 0 } })), []);
  });

  it("never want more than their team's quota of the pool, nor several parts of divided devices", () => {
    for (const { use, workers, devices } of jobsOf(config({ jobs: { perDay: 5000 } }))) {
      assert.ok(workers * Math.max(1, devices) <= Math.max(1, use.nodes * Math.max(1, use.devices)), use.pool);
      if (!use.whole) assert.equal(workers * devices, 1);
      if (use.devices === 0) assert.equal(devices, 0);
    }
  });

  it("are Jobs whose pods all run at once in their pool, for their time, and outlive the loss of a node", () => {
    const job = jobsOf(config({ jobs: { perDay: 5000 } })).find(({ workers }) => workers > 1);
    assert.ok(job !== undefined);
    const { metadata, spec } = jobObject(job);
    assert.equal(metadata.namespace, "research");
    assert.equal(spec.parallelism, job.workers);
    assert.equal(spec.completions, job.workers);
    assert.equal(spec.podFailurePolicy.rules[0]?.action, "Ignore");
    const pod = spec.template.spec;
    assert.deepEqual(pod.nodeSelector, { "millwright.dev/pool": "big" });
    assert.equal(pod.priorityClassName, "millwright-training");
    const requests: Record<string, string> = pod.containers[0]!.resources.requests;
    assert.equal(requests["nvidia.com/gpu"], "8");
    assert.deepEqual(pod.containers[0]!.resources.limits, requests);
    assert.ok(Number(requests["cpu"]!.replace("m", "")) <= 96_000);
    assert.equal(
      spec.template.metadata.annotations["simulation.millwright.dev/duration-seconds"],
      String(job.durationSeconds),
    );
  });
});

describe("services of a simulated day", () => {
  it("are as many as the stack says, each with servers of one device that never end", () => {
    const endpoints = endpointsOf(config({ endpoints: 30 }));
    assert.equal(endpoints.length, 30);
    assert.equal(new Set(endpoints.map(({ name }) => name)).size, 30);
    const mig = endpoints.find(({ use }) => use.pool === "mig");
    assert.ok(mig !== undefined);
    const { spec } = endpointObject(mig);
    const requests: Record<string, string> = spec.template.spec.containers[0]!.resources.requests;
    assert.equal(requests["nvidia.com/mig-1g.10gb"], "1");
    assert.equal(spec.template.spec.priorityClassName, "millwright-serving");
    assert.ok(!("simulation.millwright.dev/duration-seconds" in (spec.template.metadata.annotations ?? {})));
    assert.ok(endpoints.every(({ replicas }) => replicas >= 1 && replicas <= 4));
  });
});
