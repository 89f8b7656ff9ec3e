import type { TagArgs } from "@pulumi/aws/autoscaling/tag.js";
import type { LaunchTemplateArgs } from "@pulumi/aws/ec2/launchTemplate.js";
import type { PlacementGroupArgs } from "@pulumi/aws/ec2/placementGroup.js";
import type { NodeGroupArgs } from "@pulumi/aws/eks/nodeGroup.js";
import type { Input } from "@pulumi/pulumi";
import type { PoolSpec, Taint } from "../../../stacks/pools.ts";
import { ROOT_DEVICE, ROOT_VOLUME_GIB } from "./defaults.ts";
import { poolInterfacesOf } from "./efa.ts";
import { acceleratorOf, architectureOf, knownInstanceTypes } from "./machines.ts";
import { nodeLabelsOf, taintsOf } from "./placement.ts";
import { extendedResourcesOf } from "./resources.ts";
import type { EksPoolCluster, PoolOf } from "./types.ts";
import { renderUserData } from "./user-data.ts";

/** The path of what the autoscaler or an operator sets, and the program does not. */
export const DESIRED_SIZE = "scalingConfig.desiredSize";

/** Machines near to each other, or far from each other. Its name is the engine's, since a group cannot be changed. */
export function renderPlacementGroup(
  pool: PoolOf<"nodeGroup"> | PoolOf<"karpenter">,
  strategy: "cluster" | "spread",
  cluster: EksPoolCluster,
): PlacementGroupArgs {
  return { strategy, tags: tagsOf(pool, cluster) };
}

/**
 * What the machines of a node group are. EKS adds the image and what makes a machine a node.
 *
 * @param placementGroup the name of the group they are placed by, where the pool has one
 */
export function renderLaunchTemplate(
  pool: PoolOf<"nodeGroup">,
  cluster: EksPoolCluster,
  placementGroup?: Input<string>,
): LaunchTemplateArgs {
  const { capacity, instanceTypes } = pool.provisioning;
  const interfaces = poolInterfacesOf(pool);
  const securityGroups = [...cluster.securityGroupIds];
  const userData = renderUserData({ hugepages2MiGiB: pool.hugepages2MiGiB, localStorage: hasLocalDisks(pool) });
  const tags = tagsOf(pool, cluster);
  return {
    updateDefaultVersion: true,
    blockDeviceMappings: [
      {
        deviceName: ROOT_DEVICE,
        ebs: {
          volumeType: "gp3",
          volumeSize: ROOT_VOLUME_GIB,
          encrypted: "true",
          deleteOnTermination: "true",
          ...(cluster.volumeKey === undefined ? {} : { kmsKeyId: cluster.volumeKey }),
        },
      },
    ],
    // Version 2 of the metadata service alone, and for the machine alone: a hop further would be any pod's.
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    ...(interfaces === undefined
      ? { vpcSecurityGroupIds: securityGroups }
      : {
          networkInterfaces: interfaces.map((each) => ({
            ...each,
            securityGroups,
            deleteOnTermination: "true",
          })),
        }),
    ...(placementGroup === undefined ? {} : { placement: { groupName: placementGroup } }),
    ...(capacity.kind === "reserved" || capacity.kind === "capacityBlock"
      ? {
          capacityReservationSpecification: {
            // Nothing at the price of the list where the reservation is used up.
            capacityReservationPreference: "capacity-reservations-only",
            capacityReservationTarget: { capacityReservationId: capacity.id },
          },
        }
      : {}),
    // Of a block the template says the machine, and the node group does not: EKS takes it in one place.
    ...(capacity.kind === "capacityBlock"
      ? { instanceType: instanceTypes[0]!, instanceMarketOptions: { marketType: "capacity-block" } }
      : {}),
    ...(userData === undefined ? {} : { userData: Buffer.from(userData).toString("base64") }),
    tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({ resourceType, tags })),
    tags,
  };
}

const CAPACITY_TYPES = {
  onDemand: "ON_DEMAND",
  spot: "SPOT",
  // A reservation is on demand, paid beforehand.
  reserved: "ON_DEMAND",
  capacityBlock: "CAPACITY_BLOCK",
} as const;

const EFFECTS: { readonly [E in Taint["effect"]]: string } = {
  NoSchedule: "NO_SCHEDULE",
  PreferNoSchedule: "PREFER_NO_SCHEDULE",
  NoExecute: "NO_EXECUTE",
};

/**
 * The node group. Its name is the engine's: a group that has to be replaced is made before the old one goes.
 *
 * EKS updates a group of a capacity block, whose machines cannot be had twice, only while it has no nodes: whoever changes its
 * template takes the pool out of the stack first, and puts it back.
 *
 * The number of nodes is declared once, when it is made, where the size is `auto`; see {@link DESIRED_SIZE}.
 */
export function renderNodeGroup(
  pool: PoolOf<"nodeGroup">,
  cluster: EksPoolCluster,
  launchTemplate: { readonly id: Input<string>; readonly version: Input<string> },
): NodeGroupArgs {
  const { capacity, instanceTypes, zones } = pool.provisioning;
  const { size } = pool;
  return {
    clusterName: cluster.name,
    nodeRoleArn: cluster.nodeRole.arn,
    subnetIds: subnetsOf(cluster, zones),
    launchTemplate,
    amiType: amiTypeOf(pool),
    capacityType: CAPACITY_TYPES[capacity.kind],
    ...(capacity.kind === "capacityBlock" ? {} : { instanceTypes: [...instanceTypes] }),
    scalingConfig:
      size.kind === "fixed"
        ? { minSize: size.nodes, maxSize: size.nodes, desiredSize: size.nodes }
        : { minSize: size.min, maxSize: size.max, desiredSize: size.min },
    updateConfig: updateConfigOf(pool.disruption.maxUnavailable),
    nodeRepairConfig: { enabled: pool.repair },
    labels: { ...nodeLabelsOf(pool), ...awaitedDevices(pool) },
    taints: taintsOf(pool).map(({ key, value, effect }) => ({
      key,
      ...(value === "" ? {} : { value }),
      effect: EFFECTS[effect],
    })),
    tags: tagsOf(pool, cluster),
  };
}

/** Whether the Cluster Autoscaler sets how many nodes a pool has. */
export function isAutoscaledGroup({ provisioning, size }: PoolSpec): boolean {
  return provisioning.kind === "nodeGroup" && size.kind === "auto";
}

/** By which the Cluster Autoscaler knows that a node will have GPUs (cloudprovider/aws/aws_cloud_provider.go, GPULabel). */
const AUTOSCALER_GPU_LABEL = "k8s.amazonaws.com/accelerator";

/**
 * Has the Cluster Autoscaler wait for a new node's devices: it would take a node that is ready and does not offer them yet for
 * one without any, and add another. Only of whole ones of NVIDIA's, since it waits for `nvidia.com/gpu` and nothing else, and
 * counts a node that never has it as idle.
 */
function awaitedDevices(pool: PoolOf<"nodeGroup">): Record<string, string> {
  const accelerator = acceleratorOf(pool);
  return isAutoscaledGroup(pool) && accelerator?.device.vendor === "nvidia" && pool.devices.kind === "whole"
    ? { [AUTOSCALER_GPU_LABEL]: accelerator.name }
    : {};
}

const NODE_TEMPLATE = "k8s.io/cluster-autoscaler/node-template";

/**
 * What the Cluster Autoscaler reads from tags of the Auto Scaling group, which EKS does not copy from the node group's own:
 * when it may take a node away, and, since it cannot know it of a group that has no node yet, resources beside CPU, memory and
 * whole GPUs.
 *
 * kubernetes/autoscaler 1.34, cluster-autoscaler/cloudprovider/aws/README.md, "Auto-Discovery Setup".
 */
export function renderScalingTags(pool: PoolOf<"nodeGroup">, autoScalingGroup: Input<string>) {
  if (!isAutoscaledGroup(pool)) {
    return [];
  }
  const resources = Object.entries(extendedResourcesOf(pool)).filter(([resource]) => resource !== "nvidia.com/gpu");
  const values = [
    ...Object.entries(scaleDownOptions(pool)).map(
      ([option, value]) => [`autoscaling-options/${option}`, value] as const,
    ),
    ...resources.map(([resource, value]) => [`resources/${resource}`, value] as const),
  ];
  return values.map(([name, value]) => {
    const tag = { key: `${NODE_TEMPLATE}/${name}`, value, propagateAtLaunch: false };
    return { autoscalingGroupName: autoScalingGroup, tag } satisfies TagArgs;
  });
}

/**
 * The share of a node that pods may have asked for when it is taken away. A node goes that has this or less, and of one with
 * GPUs only they count (simulator/utilization/info.go, core/scaledown/eligibility/eligibility.go): 0 leaves empty ones, half is
 * the autoscaler's default, and below 0 there is none.
 */
const UTILIZATION = { whenEmpty: "0", whenUnderutilized: "0.5", never: "-1" } as const;

/** The options of one group. That agents run on every node makes none of them less empty. */
function scaleDownOptions({ disruption }: PoolOf<"nodeGroup">): Record<string, string> {
  const utilization = UTILIZATION[disruption.consolidation];
  return {
    scaledownutilizationthreshold: utilization,
    scaledowngpuutilizationthreshold: utilization,
    scaledownunneededtime: `${disruption.consolidateAfterSeconds}s`,
    ignoredaemonsetsutilization: "true",
  };
}

/** AWS tags of what a pool makes. */
export function tagsOf({ name }: { readonly name: string }, { tags }: EksPoolCluster): Record<string, string> {
  return { ...tags, "millwright.dev/pool": name };
}

/** The private subnets of a pool's zones, all of the cluster's where it names none, in the order of the zones' names. */
export function subnetsOf({ subnets }: EksPoolCluster, zones: readonly string[] | undefined): Input<string>[] {
  return [...(zones ?? Object.keys(subnets))].sort().map((zone) => subnets[zone]!);
}

/** Whether every machine a pool may get has disks of its own. */
export function hasLocalDisks(pool: PoolOf<"nodeGroup"> | PoolOf<"karpenter">): boolean {
  return knownInstanceTypes(pool).every(({ nvmeGB }) => nvmeGB > 0);
}

/** Amazon Linux 2023 for EKS, with the drivers of the pool's devices. */
function amiTypeOf(pool: PoolOf<"nodeGroup">): string {
  const architecture = architectureOf(pool) === "arm64" ? "ARM_64" : "x86_64";
  const vendor = acceleratorOf(pool)?.device.vendor;
  const drivers = vendor === undefined ? "STANDARD" : vendor === "nvidia" ? "NVIDIA" : "NEURON";
  return `AL2023_${architecture}_${drivers}`;
}

function updateConfigOf(maxUnavailable: string): NonNullable<NodeGroupArgs["updateConfig"]> {
  return maxUnavailable.endsWith("%")
    ? { maxUnavailablePercentage: Number.parseInt(maxUnavailable, 10) }
    : { maxUnavailable: Number(maxUnavailable) };
}
