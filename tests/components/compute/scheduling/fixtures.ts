import { poolsOf } from "../../../../components/compute/scheduling/pools.ts";
import { renderScheduling } from "../../../../components/compute/scheduling/render.ts";
import { type PoolSpec, poolsSchema } from "../../../../stacks/pools.ts";
import { type SchedulingSpec, schedulingSchema } from "../../../../stacks/scheduling.ts";
import type { KubernetesObject } from "../cluster.ts";

/** A pool of each kind: whole devices with EFA, ones that grow, cut ones, ones shared by time, and none. */
export const POOLS: readonly PoolSpec[] = poolsSchema.parse([
  {
    name: "training",
    provisioning: { kind: "nodeGroup", instanceTypes: ["p5.48xlarge"] },
    size: { kind: "fixed", nodes: 4 },
    network: { efa: "all", placementGroup: "cluster" },
    hugepages2MiGiB: 10,
  },
  {
    name: "serving",
    provisioning: { kind: "karpenter", instanceTypes: ["g6e.12xlarge"] },
    size: { kind: "auto", max: 5 },
  },
  {
    name: "parts",
    provisioning: { kind: "existing", nodes: ["a", "b"] },
    machine: { cpu: 64, memoryGiB: 512, accelerator: "h100", accelerators: 4 },
    size: { kind: "fixed", nodes: 2 },
    devices: { kind: "mig", profile: "1g.10gb" },
    labels: { "example.com/rack": "r1" },
  },
  {
    name: "turns",
    provisioning: { kind: "existing", nodes: ["c"] },
    machine: { cpu: 16, memoryGiB: 64, accelerator: "t4" },
    size: { kind: "fixed", nodes: 1 },
    devices: { kind: "timeSlicing", slices: 4 },
  },
  {
    name: "plain",
    provisioning: { kind: "simulated" },
    machine: { cpu: 32, memoryGiB: 128 },
    size: { kind: "fixed", nodes: 3 },
  },
]);

export const SUPPLIES = poolsOf(POOLS);

/** Two teams that share the training pool and lend to each other, kept by Kueue. */
export const QUEUED: SchedulingSpec = schedulingSchema.parse({
  queues: { kind: "kueue" },
  topology: ["topology.k8s.aws/network-node-layer-1", "topology.k8s.aws/network-node-layer-2"],
  teams: [
    {
      name: "vision",
      weight: 2.5,
      quotas: [
        { pool: "training", accelerators: 20, borrow: 8, lend: 10 },
        { pool: "serving", accelerators: 12 },
      ],
    },
    {
      name: "language",
      namespace: "nlp",
      quotas: [{ pool: "training", accelerators: 12 }],
    },
  ],
});

/** The same teams by the core's means, with a pool of each kind. */
export const COUNTED: SchedulingSpec = schedulingSchema.parse({
  teams: [
    {
      name: "vision",
      quotas: [
        { pool: "training", accelerators: 20 },
        { pool: "serving", accelerators: 12, cpu: 100, memoryGiB: 500 },
        { pool: "parts", accelerators: 28 },
      ],
    },
    {
      name: "language",
      namespace: "nlp",
      quotas: [
        { pool: "training", accelerators: 12 },
        { pool: "plain", cpu: 60, memoryGiB: 240.5 },
      ],
    },
  ],
});

/** A specification with something of it changed. */
export function changed(spec: SchedulingSpec, change: (draft: Draft) => void): SchedulingSpec {
  const draft = structuredClone(spec) as Draft;
  change(draft);
  return schedulingSchema.parse(draft);
}

// biome-ignore lint/suspicious/noExplicitAny: what is drafted may be wrong; the schema reads it again.
type Draft = any;

/** Everything of a specification in the order in which it can be made. */
export function objectsOf(spec: SchedulingSpec, pools: readonly PoolSpec[] = POOLS): KubernetesObject[] {
  const objects = renderScheduling({ spec, pools });
  const core = (apiVersion: string, kind: string, object: object | undefined): KubernetesObject[] =>
    object === undefined ? [] : [{ apiVersion, kind, ...object } as KubernetesObject];
  return [
    ...objects.priorityClasses.flatMap((each) => core("scheduling.k8s.io/v1", "PriorityClass", each)),
    ...objects.teams.flatMap(({ namespace }) => core("v1", "Namespace", namespace)),
    ...objects.workloadPriorityClasses,
    ...objects.topologies,
    ...objects.flavors,
    ...objects.cohorts,
    ...objects.teams.flatMap(({ resourceQuota, limitRange, clusterQueue, localQueue }) => [
      ...core("v1", "ResourceQuota", resourceQuota),
      ...core("v1", "LimitRange", limitRange),
      ...(clusterQueue === undefined ? [] : [clusterQueue]),
      ...(localQueue === undefined ? [] : [localQueue]),
    ]),
  ];
}
