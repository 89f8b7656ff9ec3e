import type { CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { Input } from "@pulumi/pulumi";
import type { CapacitySpec, PoolSpec } from "../../../stacks/pools.ts";
import { labelsFor } from "../../core/labels.ts";
import { AMI_ALIAS, EXPIRE_HOURS, ROOT_DEVICE, ROOT_VOLUME_GIB, TERMINATION_GRACE_HOURS } from "./defaults.ts";
import { poolInterfacesOf } from "./efa.ts";
import { acceleratorOf, architectureOf } from "./machines.ts";
import { hasLocalDisks, subnetsOf, tagsOf } from "./node-group.ts";
import { nodeLabelsOf, taintsOf } from "./placement.ts";
import type { EksPoolCluster, PoolOf } from "./types.ts";
import { renderUserData } from "./user-data.ts";

/**
 * What Karpenter 1.14 needs switched on for the pools of a stack, by the names of its `settings.featureGates`. Both are alpha
 * there. Repair is the controller's, for all its pools.
 */
export function karpenterFeatureGates(pools: readonly PoolSpec[]): {
  readonly staticCapacity: boolean;
  readonly nodeRepair: boolean;
} {
  const ours = pools.filter(({ provisioning }) => provisioning.kind === "karpenter");
  return {
    staticCapacity: ours.some(({ size }) => size.kind === "fixed"),
    nodeRepair: ours.some(({ repair }) => repair),
  };
}

/**
 * How the machines of a pool are made. A volume, a network or an image that changes replaces the nodes, within the pool's
 * disruption budgets.
 *
 * @param placementGroup the name of the group they are placed by, where the pool has one
 */
export function renderNodeClass(pool: PoolOf<"karpenter">, cluster: EksPoolCluster, placementGroup?: Input<string>) {
  const { capacity, zones } = pool.provisioning;
  const interfaces = poolInterfacesOf(pool);
  const userData = renderUserData({ hugepages2MiGiB: pool.hugepages2MiGiB, localStorage: false });
  return {
    apiVersion: "karpenter.k8s.aws/v1",
    kind: "EC2NodeClass",
    metadata: { name: pool.name, labels: { ...labelsFor({ component: "pool", pool: pool.name }) } },
    spec: {
      role: cluster.nodeRole.name,
      amiSelectorTerms: [{ alias: AMI_ALIAS }],
      subnetSelectorTerms: subnetsOf(cluster, zones).map((id) => ({ id })),
      securityGroupSelectorTerms: cluster.securityGroupIds.map((id) => ({ id })),
      ...(capacity.kind === "reserved" || capacity.kind === "capacityBlock"
        ? { capacityReservationSelectorTerms: [{ id: capacity.id }] }
        : {}),
      blockDeviceMappings: [
        {
          deviceName: ROOT_DEVICE,
          rootVolume: true,
          ebs: {
            volumeType: "gp3",
            volumeSize: `${ROOT_VOLUME_GIB}Gi`,
            encrypted: true,
            deleteOnTermination: true,
            ...(cluster.volumeKey === undefined ? {} : { kmsKeyID: cluster.volumeKey }),
          },
        },
      ],
      ...(hasLocalDisks(pool) ? { instanceStorePolicy: "RAID0" } : {}),
      ...(interfaces === undefined ? {} : { networkInterfaces: interfaces }),
      ...(placementGroup === undefined ? {} : { placementGroupSelector: { name: placementGroup } }),
      // Version 2 of the metadata service alone, and for the machine alone: a hop further would be any pod's.
      metadataOptions: {
        httpEndpoint: "enabled",
        httpProtocolIPv6: "disabled",
        httpPutResponseHopLimit: 1,
        httpTokens: "required",
      },
      ...(userData === undefined ? {} : { userData }),
      tags: tagsOf(pool, cluster),
    },
  } satisfies CustomResourceArgs & { readonly spec: object };
}

/**
 * What a NodePool is called. One of a fixed size has a name of its own, with a dot, which no pool's name has: its definition
 * refuses to change between the two, so the new one is made and then the old one goes.
 */
export function nodePoolName({ name, size }: PoolSpec): string {
  return size.kind === "fixed" ? `${name}.fixed` : name;
}

/**
 * The pool itself. One of a fixed size is `static`: Karpenter keeps as many nodes without being asked by pods, and takes
 * neither a weight nor limits of anything but nodes (alpha gate StaticCapacity).
 *
 * It has no startup taints: what a device plugin has not offered yet, no pod is placed for, and Karpenter counts a node as
 * ready only with what was asked of it.
 */
export function renderNodePool(pool: PoolOf<"karpenter">, cluster: EksPoolCluster) {
  const { size, provisioning } = pool;
  return {
    apiVersion: "karpenter.sh/v1",
    kind: "NodePool",
    metadata: { name: nodePoolName(pool), labels: { ...labelsFor({ component: "pool", pool: pool.name }) } },
    spec: {
      template: {
        metadata: { labels: { ...nodeLabelsOf(pool) } },
        spec: {
          nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: pool.name },
          requirements: requirementsOf(pool, cluster),
          taints: taintsOf(pool).map(({ key, value, effect }) => ({ key, ...(value === "" ? {} : { value }), effect })),
          expireAfter: expireAfterOf(pool),
          terminationGracePeriod: `${TERMINATION_GRACE_HOURS}h`,
        },
      },
      disruption: disruptionOf(pool),
      ...(size.kind === "fixed"
        ? { replicas: size.nodes }
        : { weight: provisioning.weight, limits: limitsOf(pool, size.max) }),
    },
  } satisfies CustomResourceArgs & { readonly spec: object };
}

/** What the machines must be. */
function requirementsOf(pool: PoolOf<"karpenter">, cluster: EksPoolCluster) {
  const { capacity, instanceTypes, zones } = pool.provisioning;
  const device = acceleratorOf(pool)?.device;
  const within = (key: string, values: readonly string[]) => ({ key, operator: "In", values: [...values] });
  return [
    within("node.kubernetes.io/instance-type", instanceTypes),
    within("karpenter.sh/capacity-type", capacityTypesOf(capacity)),
    ...(capacity.kind === "capacityBlock"
      ? [within("karpenter.k8s.aws/capacity-reservation-type", ["capacity-block"])]
      : []),
    within("topology.kubernetes.io/zone", [...(zones ?? Object.keys(cluster.subnets))].sort()),
    within("kubernetes.io/arch", [architectureOf(pool)]),
    within("kubernetes.io/os", ["linux"]),
    // A fraction of a device counts as none: no plugin offers it.
    ...(device === undefined
      ? []
      : [
          {
            key: `karpenter.k8s.aws/instance-${device.vendor === "nvidia" ? "gpu" : "accelerator"}-count`,
            operator: "Gt",
            values: ["0"],
          },
        ]),
  ];
}

function capacityTypesOf(capacity: CapacitySpec): readonly string[] {
  switch (capacity.kind) {
    case "onDemand":
      return ["on-demand"];
    case "spot":
      return capacity.fallback === "onDemand" ? ["spot", "on-demand"] : ["spot"];
    case "reserved":
    case "capacityBlock":
      return ["reserved"];
  }
}

/** A block's nodes go when it ends, and not before: their place could not be had again. */
function expireAfterOf({ provisioning, disruption }: PoolOf<"karpenter">): string {
  return provisioning.capacity.kind === "capacityBlock" ? "Never" : `${disruption.expireHours ?? EXPIRE_HOURS}h`;
}

/** How far it may go: nodes, and what else the stack limits. */
function limitsOf(pool: PoolOf<"karpenter">, maxNodes: number): Record<string, string> {
  const { cpu, accelerators } = pool.limits;
  const resource = acceleratorOf(pool)?.device.resource;
  return {
    nodes: String(maxNodes),
    ...(cpu === undefined ? {} : { cpu: String(cpu) }),
    ...(accelerators === undefined || resource === undefined ? {} : { [resource]: String(accelerators) }),
  };
}

const CONSOLIDATION = {
  whenEmpty: "WhenEmpty",
  whenUnderutilized: "WhenEmptyOrUnderutilized",
  never: "WhenEmpty",
} as const;

const MINUTES_PER_HOUR = 60;

/** What may be taken away, how many at a time, and when nothing. Of several budgets the narrowest holds. */
function disruptionOf({ disruption }: PoolOf<"karpenter">) {
  const { consolidation, consolidateAfterSeconds, maxUnavailable, closed } = disruption;
  return {
    consolidationPolicy: CONSOLIDATION[consolidation],
    consolidateAfter: consolidation === "never" ? "Never" : `${consolidateAfterSeconds}s`,
    budgets: [
      { nodes: maxUnavailable },
      ...closed.map(({ schedule, hours }) => ({ nodes: "0", schedule, duration: durationOf(hours) })),
    ],
  };
}

/** As budgets write it: `8h`, or `1h30m`; never less than a minute. */
function durationOf(hours: number): string {
  const minutes = Math.max(1, Math.round(hours * MINUTES_PER_HOUR));
  const [whole, rest] = [Math.floor(minutes / MINUTES_PER_HOUR), minutes % MINUTES_PER_HOUR];
  return [whole === 0 ? "" : `${whole}h`, rest === 0 ? "" : `${rest}m`].join("");
}
