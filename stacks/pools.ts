import { z } from "zod";
import { instant, labelKey, labelValue, shortName, text } from "./text.ts";

/**
 * Pools of nodes: where they come from, what each has, how its devices are divided and how far the pool may grow. What one
 * value cannot show alone is judged in components/compute/pools, which the component and the policies share.
 */

const capacity = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("onDemand").describe("At the price of the list, while there are any.") }),
    z.strictObject({
      kind: z.literal("spot").describe("What others do not use, cheaper, and taken back at two minutes' notice."),
      fallback: z
        .enum(["none", "onDemand"])
        .default("none")
        .describe("What is taken where there is no spot capacity; `onDemand` needs Karpenter."),
    }),
    z.strictObject({
      kind: z.literal("reserved").describe("A capacity reservation that is paid for, used or not."),
      id: text(/^cr-[0-9a-f]{17}$/, 'the id of a capacity reservation, such as "cr-0123456789abcdef0"').describe(
        "The reservation.",
      ),
    }),
    z.strictObject({
      kind: z
        .literal("capacityBlock")
        .describe(
          "A capacity block, bought for some days. Its pool has a fixed size and is declared from when it begins.",
        ),
      id: text(/^cr-[0-9a-f]{17}$/, 'the id of a capacity block, such as "cr-0123456789abcdef0"').describe(
        "The block's reservation.",
      ),
      ends: instant.describe("When it ends, at 11:30 UTC; its nodes are taken away thirty minutes before."),
    }),
  ])
  .default({ kind: "onDemand" })
  .describe("How its machines are paid for, and with that what they may do to what runs on them.");

const instanceTypes = z
  .array(text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an EC2 instance type, such as "p5.48xlarge"'))
  .min(1)
  .max(30)
  .describe("EC2 instance types, all with the same kind of accelerator; see components/catalog.");

const zones = z
  .array(text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'an availability zone, such as "us-east-2a"'))
  .min(1)
  .max(6)
  .optional()
  .describe("Availability zones its machines may be in. Default: all of the cluster.");

const provisioning = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z
        .literal("nodeGroup")
        .describe("An EKS managed node group: a fixed kind of machine, an Auto Scaling group."),
      instanceTypes,
      capacity,
      zones,
    }),
    z.strictObject({
      kind: z
        .literal("karpenter")
        .describe("A Karpenter NodePool with its EC2NodeClass: machines as pods call for them."),
      instanceTypes,
      capacity,
      zones,
      weight: z
        .number()
        .int()
        .min(1)
        .max(100)
        .default(10)
        .describe("Of the pools a pod could use, the one with the highest weight is tried first."),
    }),
    z.strictObject({
      kind: z
        .literal("existing")
        .describe("Nodes that are there: they get the pool's labels and taints, nothing else."),
      nodes: z.array(z.string().min(1).max(253)).min(1).max(5000).describe("Names of the nodes."),
    }),
    z.strictObject({
      kind: z.literal("simulated").describe("Nodes without machines, for the cluster `simulated`."),
      instanceType: text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an EC2 instance type, such as "p5.48xlarge"')
        .optional()
        .describe("A machine of the catalogue to look like. Default: what `machine` says."),
      capacity,
    }),
  ])
  .describe("Where its nodes come from.");

const machine = z
  .strictObject({
    cpu: z.number().positive().max(1024).describe("Cores."),
    memoryGiB: z.number().positive().max(65_536).describe("Memory in GiB."),
    accelerator: z
      .string()
      .min(1)
      .optional()
      .describe("The accelerator's name in components/catalog/accelerators.ts. Default: none."),
    accelerators: z.number().int().min(1).max(72).optional().describe("How many of it. Default: 1 if one is named."),
  })
  .optional()
  .describe("What each node has, where no instance type says it: nodes that exist, and simulated ones.");

const devices = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("whole").describe("A pod gets whole devices.") }),
    z.strictObject({
      kind: z.literal("mig").describe("Each device is cut into equal instances with memory of their own."),
      profile: text(/^\d+g\.\d+gb$/, 'a MIG profile, such as "1g.10gb"').describe(
        "The profile every device is cut by.",
      ),
    }),
    z.strictObject({
      kind: z.literal("timeSlicing").describe("Pods take turns on a device and share its memory without any guard."),
      slices: z.number().int().min(2).max(48).describe("Pods a device."),
    }),
  ])
  .default({ kind: "whole" })
  .describe("How an accelerator is divided; of no effect on nodes without one.");

const effect = z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]);

export const taintSchema = z.strictObject({
  key: labelKey.describe("Its key."),
  value: labelValue.default("").describe("Its value."),
  effect: effect.default("NoSchedule").describe("What happens to pods that do not tolerate it."),
});

const size = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("fixed").describe("The same number at all times."),
      nodes: z.number().int().min(1).max(5000).describe("Nodes."),
    }),
    z.strictObject({
      kind: z
        .literal("auto")
        .describe(
          "As many as pods call for. The number itself is never declared. Karpenter changes it; that of a node group the " +
            "Cluster Autoscaler, which is installed for it.",
        ),
      min: z.number().int().min(0).max(5000).default(0).describe("Nodes at least; with Karpenter 0."),
      max: z.number().int().min(1).max(5000).describe("Nodes at most."),
    }),
  ])
  .describe("How many nodes it has.");

const disruption = z
  .strictObject({
    maxUnavailable: text(/^(\d{1,4}|\d{1,2}%|100%)$/, 'a number of nodes or a percentage, such as "10%"')
      .default("10%")
      .describe("Nodes that may be away at the same time for what is not an emergency."),
    consolidation: z
      .enum(["whenEmpty", "whenUnderutilized", "never"])
      .default("whenEmpty")
      .describe(
        "When Karpenter, or the Cluster Autoscaler of a node group, takes a node away to save its price. Trainings want `whenEmpty`.",
      ),
    consolidateAfterSeconds: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe("How long it must have been so."),
    expireHours: z
      .number()
      .int()
      .min(1)
      .max(8760)
      .optional()
      .describe("Age at which a node is replaced. Default: 720 with Karpenter, never where jobs run that long."),
    closed: z
      .array(
        z.strictObject({
          schedule: text(/^\S+ \S+ \S+ \S+ \S+$/, "a cron expression of five fields, in UTC").describe(
            "When it begins.",
          ),
          hours: z.number().positive().max(168).describe("How long it lasts."),
        }),
      )
      .max(10)
      .default([])
      .describe("Windows in which Karpenter takes no node away but in an emergency."),
  })
  .prefault({})
  .describe("What may be done to its nodes while they work.");

const network = z
  .strictObject({
    efa: z
      .enum(["none", "all"])
      .default("none")
      .describe("Whether each network card gets an Elastic Fabric Adapter; trainings over several nodes want `all`."),
    placementGroup: z
      .enum(["none", "cluster", "spread"])
      .default("none")
      .describe("How near to each other its machines are; `cluster` puts them on one spine, in one zone."),
  })
  .prefault({})
  .describe("The network between its nodes.");

export const poolSchema = z.strictObject({
  name: shortName().describe("Names the pool, its nodes' label `millwright.dev/pool` and its objects; unique."),
  provisioning,
  machine,
  size,
  devices,
  network,
  hugepages2MiGiB: z
    .number()
    .int()
    .min(0)
    .max(4096)
    .default(0)
    .describe("Memory of each node that is kept as huge pages of 2 MiB, in GiB; EFA wants 10."),
  labels: z.record(labelKey, labelValue).default({}).describe("Labels of its nodes beside its own."),
  taints: z
    .array(taintSchema)
    .max(8)
    .optional()
    .describe("Taints of its nodes. Default: the accelerator's resource, NoSchedule, on nodes that have one."),
  repair: z
    .boolean()
    .default(true)
    .describe("Whether a node whose accelerator, network or kernel has failed is replaced."),
  disruption,
  limits: z
    .strictObject({
      accelerators: z.number().int().min(1).max(100_000).optional().describe("Accelerators of all its nodes."),
      cpu: z.number().positive().max(10_000_000).optional().describe("Cores of all its nodes."),
      usdPerHour: z
        .number()
        .positive()
        .optional()
        .describe("Price of all its nodes on demand. Judged before anything is made."),
    })
    .prefault({})
    .describe("How far the pool may go. Default: as far as `size` says."),
});

export const poolsSchema = z.array(poolSchema).max(64).default([]).describe("Pools of nodes.");

export type PoolSpec = z.infer<typeof poolSchema>;
export type ProvisioningSpec = PoolSpec["provisioning"];
export type CapacitySpec = z.infer<typeof capacity>;
export type DevicesSpec = z.infer<typeof devices>;
export type PoolSize = z.infer<typeof size>;
export type Taint = z.infer<typeof taintSchema>;
