import assert from "node:assert/strict";
import { NO_FACTS } from "../../../scripts/simulation/cloud/facts.ts";
import { type NodeObject, nodeObject } from "../../../scripts/simulation/cloud/nodes.ts";
import type { PodObject } from "../../../scripts/simulation/cloud/pods.ts";
import { renderSimulatedStatus, type SimulatedObjects, simulatedStatus } from "../../../scripts/status/simulated.ts";
import { poolObject } from "../simulation/cloud/fixtures.ts";

const NOW = new Date("2026-11-25T00:00:00Z");
const gpu = poolObject("gpu", { size: { kind: "fixed", nodes: 2 }, devices: { kind: "mig", profile: "1g.10gb" } });
const cpu = poolObject("cpu", { machine: { cpu: 8, memoryGiB: 32 }, size: { kind: "auto", min: 0, max: 5 } });

const working: NodeObject = nodeObject(gpu, 0, 0, 0, NOW);
const failed: NodeObject = {
  ...working,
  metadata: {
    ...working.metadata,
    name: "gpu-1",
    annotations: { ...working.metadata.annotations, "simulation.millwright.dev/failed-until-seconds": "60" },
  },
  status: { ...working.status, conditions: [{ type: "Ready", status: "False" }] },
};

const pod = (name: string, pool: string, nodeName?: string, phase = "Running"): PodObject => ({
  metadata: { name, namespace: "n" },
  spec: {
    ...(nodeName === undefined ? {} : { nodeName }),
    nodeSelector: { "millwright.dev/pool": pool },
    containers: [{ name: "c", resources: { requests: { cpu: "1", "nvidia.com/mig-1g.10gb": "7" } } }],
  },
  status: { phase },
});

const condition = (type: string) => ({ status: { conditions: [{ type, status: "True" }] } });

const objects: SimulatedObjects = {
  pools: [gpu, cpu],
  nodes: [failed, working, { metadata: { name: "somebody-elses" } }],
  pods: [
    pod("a", "gpu", "gpu-0"),
    pod("b", "gpu", "gpu-0", "Succeeded"),
    pod("c", "gpu"),
    pod("d", "cpu"),
    pod("e", "elsewhere", "somebody-elses"),
  ],
  jobs: [
    condition("Complete"),
    condition("Failed"),
    { status: { active: 2, ready: 1 } },
    { status: { active: 1 } },
    {},
  ],
  deployments: [{ spec: { replicas: 3 }, status: { readyReplicas: 2 } }, { spec: {} }],
  facts: {
    ...NO_FACTS,
    seconds: 5400,
    speed: 40,
    acceleratorDays: 4000,
    failures: 2,
    jobsCreated: 9,
    jobsSucceeded: 5,
  },
};

describe("the status of a simulated cluster", () => {
  const status = simulatedStatus("simulated", objects);

  it("counts nodes, devices and pods by pool", () => {
    assert.deepEqual(status.pools, [
      {
        name: "cpu",
        min: 0,
        max: 5,
        nodes: 0,
        ready: 0,
        failed: 0,
        devices: 0,
        allocated: 0,
        podsPlaced: 0,
        podsWaiting: 1,
      },
      {
        name: "gpu",
        min: 2,
        max: 2,
        nodes: 2,
        ready: 1,
        failed: 1,
        resource: "nvidia.com/mig-1g.10gb",
        devices: 112,
        allocated: 7,
        podsPlaced: 1,
        podsWaiting: 1,
      },
    ]);
  });

  it("tells jobs that run from those that wait, and takes those that ended from what was counted", () => {
    assert.deepEqual(status.jobs, { running: 1, waiting: 2, succeeded: 5, failed: 0 });
    assert.deepEqual(status.servers, { running: 2, wanted: 4 });
  });

  it("is a page for people", () => {
    const page = renderSimulatedStatus(status);
    assert.match(page, /hour 1\.5 of the simulation, 40 simulated seconds a second/);
    assert.match(page, /gpu +2 of 2 +1 +1 +112 nvidia\.com\/mig-1g\.10gb +6\.3 % +1 +1/);
    assert.match(page, /cpu +0 of 0 to 5 +0 +0 +- +- +0 +1/);
    assert.match(page, /2 nodes failed in 4000 accelerator days, one in 2000;/);
  });
});
