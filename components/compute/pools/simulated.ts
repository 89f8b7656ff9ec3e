import { labelsFor } from "../../core/labels.ts";
import { maximumSizeOf, nodeOf } from "./capacity.ts";
import { acceleratorOf, architectureOf } from "./machines.ts";
import { nodeLabelsOf, taintsOf } from "./placement.ts";
import { extendedResourcesOf } from "./resources.ts";
import type { PoolOf } from "./types.ts";

/** The API of simulated pools: what is declared for a pool whose nodes have no machines. scripts/simulation acts on it. */
export const SIMULATED_POOL_GROUP = "millwright.dev";
export const SIMULATED_POOL_VERSION = "v1";
export const SIMULATED_POOL_KIND = "SimulatedNodePool";
export const SIMULATED_POOL_PLURAL = "simulatednodepools";

/** What the controller of simulated nodes is told of a pool. */
export interface SimulatedNodePool {
  readonly apiVersion: `${typeof SIMULATED_POOL_GROUP}/${typeof SIMULATED_POOL_VERSION}`;
  readonly kind: typeof SIMULATED_POOL_KIND;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: SimulatedNodePoolSpec;
}

export interface SimulatedNodePoolSpec {
  /** Nodes at least and at most; the same for a pool of a fixed size. */
  readonly size: { readonly min: number; readonly max: number };
  readonly machine: {
    /** The instance type it looks like. @default none */
    readonly instanceType?: string;
    /** As `kubernetes.io/arch` has it. */
    readonly architecture: string;
    readonly cpu: number;
    /** GiB, without what is kept as huge pages. */
    readonly memoryGiB: number;
    /** What else a node offers, as Kubernetes writes quantities: devices as pods ask for them, EFA interfaces, huge pages. */
    readonly resources: Readonly<Record<string, string>>;
  };
  /** The whole devices of a node, which fail one by one. @default none */
  readonly accelerator?: { readonly name: string; readonly count: number };
  /** How a device is divided, and into how many parts. */
  readonly devices: { readonly kind: string; readonly parts: number; readonly profile?: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly capacity: { readonly kind: string; readonly ends?: string };
  /** Whether failed nodes are replaced. */
  readonly repair: boolean;
}

/** The object of a simulated pool. Cluster-scoped, as the nodes are. */
export function renderSimulatedPool(pool: PoolOf<"simulated">): SimulatedNodePool {
  const { provisioning, size } = pool;
  const node = nodeOf(pool);
  const accelerator = acceleratorOf(pool);
  return {
    apiVersion: `${SIMULATED_POOL_GROUP}/${SIMULATED_POOL_VERSION}`,
    kind: SIMULATED_POOL_KIND,
    metadata: { name: pool.name, labels: { ...labelsFor({ component: "pool", pool: pool.name }) } },
    spec: {
      size: { min: size.kind === "fixed" ? size.nodes : size.min, max: maximumSizeOf(pool) },
      machine: {
        ...(provisioning.instanceType === undefined ? {} : { instanceType: provisioning.instanceType }),
        architecture: architectureOf(pool),
        cpu: node.cpu,
        memoryGiB: node.memoryGiB,
        resources: { ...extendedResourcesOf(pool) },
      },
      ...(accelerator === undefined ? {} : { accelerator: { name: accelerator.name, count: node.accelerators } }),
      devices: {
        kind: pool.devices.kind,
        parts: node.devicesPerAccelerator,
        ...(pool.devices.kind === "mig" ? { profile: pool.devices.profile } : {}),
      },
      labels: { ...nodeLabelsOf(pool) },
      taints: taintsOf(pool).map(({ key, value, effect }) => ({ key, ...(value === "" ? {} : { value }), effect })),
      capacity: {
        kind: provisioning.capacity.kind,
        ...(provisioning.capacity.kind === "capacityBlock" ? { ends: provisioning.capacity.ends } : {}),
      },
      repair: pool.repair,
    },
  };
}

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const texts = { type: "object", additionalProperties: text } as const;

/** Of an object whose members are all wanted but those named. */
function object(properties: Record<string, object>, optional: readonly string[] = []) {
  return {
    type: "object",
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  };
}

/**
 * The definition of the kind. Its status is the controller's: how many nodes there are, and how many of them are ready.
 *
 * Removing the definition removes every pool, so it is declared once, beside the pools and not by one of them.
 */
export function renderSimulatedPoolDefinition() {
  const spec = {
    ...object(
      {
        size: object({ min: count, max: { ...count, minimum: 1 } }),
        machine: object(
          {
            instanceType: text,
            architecture: { type: "string", enum: ["amd64", "arm64"] },
            cpu: { type: "number", exclusiveMinimum: true, minimum: 0 },
            memoryGiB: { type: "number", exclusiveMinimum: true, minimum: 0 },
            resources: texts,
          },
          ["instanceType"],
        ),
        accelerator: object({ name: text, count: { ...count, minimum: 1 } }),
        devices: object(
          {
            kind: { type: "string", enum: ["whole", "mig", "timeSlicing"] },
            parts: { ...count, minimum: 1 },
            profile: text,
          },
          ["profile"],
        ),
        labels: texts,
        taints: {
          type: "array",
          maxItems: 8,
          items: object(
            {
              key: text,
              value: text,
              effect: { type: "string", enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"] },
            },
            ["value"],
          ),
        },
        capacity: object(
          {
            kind: { type: "string", enum: ["onDemand", "spot", "reserved", "capacityBlock"] },
            ends: { type: "string", format: "date-time" },
          },
          ["ends"],
        ),
        repair: { type: "boolean" },
      },
      ["accelerator"],
    ),
    "x-kubernetes-validations": [
      { rule: "self.size.min <= self.size.max", message: "size.min must be at most size.max" },
    ],
  };
  const status = object({ nodes: count, ready: count }, ["nodes", "ready"]);
  return {
    metadata: {
      name: `${SIMULATED_POOL_PLURAL}.${SIMULATED_POOL_GROUP}`,
      labels: { ...labelsFor({ component: "pool" }) },
    },
    spec: {
      group: SIMULATED_POOL_GROUP,
      scope: "Cluster",
      names: {
        kind: SIMULATED_POOL_KIND,
        listKind: `${SIMULATED_POOL_KIND}List`,
        plural: SIMULATED_POOL_PLURAL,
        singular: SIMULATED_POOL_KIND.toLowerCase(),
      },
      versions: [
        {
          name: SIMULATED_POOL_VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: object({ spec, status }, ["status"]) },
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: "Min", type: "integer", jsonPath: ".spec.size.min" },
            { name: "Max", type: "integer", jsonPath: ".spec.size.max" },
            { name: "Nodes", type: "integer", jsonPath: ".status.nodes" },
            { name: "Ready", type: "integer", jsonPath: ".status.ready" },
          ],
        },
      ],
    },
  };
}
