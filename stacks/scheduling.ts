import { z } from "zod";
import { labelKey, namespaceName, shortName } from "./text.ts";

/** Who may use how much of which pool, and who goes first. Rendered as Kueue's objects or as the core's own, from one spec. */

const quotaSchema = z.strictObject({
  pool: z.string().min(1).describe("A pool of this stack."),
  accelerators: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe("Devices, or parts of them as the pool divides them. Default: none."),
  cpu: z
    .number()
    .min(0)
    .max(10_000_000)
    .optional()
    .describe("Cores. Default: the team's share of the pool by its devices; required of a pool without any."),
  memoryGiB: z
    .number()
    .min(0)
    .optional()
    .describe("Memory in GiB. Default: its share of the pool by its devices; required of a pool without any."),
  borrow: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Devices of others' quota, while they lie idle, at most. Default: all there are."),
  lend: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Devices of its quota others may use while they lie idle. Default: all."),
});

const teamSchema = z.strictObject({
  name: shortName().describe("Names the team's queue; unique."),
  namespace: namespaceName().optional().describe("Where its pods live. Default: its name."),
  quotas: z.array(quotaSchema).min(1).max(64).describe("What it has of each pool."),
  weight: z
    .number()
    .positive()
    .max(1000)
    .default(1)
    .describe("Share of what is free that it gets when several teams want more than their quota. Needs Kueue."),
});

export const schedulingSchema = z
  .strictObject({
    queues: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z
            .literal("kueue")
            .describe("Jobs wait in Kueue's queues: admitted as a whole, borrowing, preempting, with fair shares."),
        }),
        z.strictObject({
          kind: z
            .literal("resourceQuota")
            .describe(
              "The core's own ResourceQuota and LimitRange: pods beyond the quota are refused, none wait in turn.",
            ),
        }),
      ])
      .default({ kind: "resourceQuota" })
      .describe("What keeps the quotas."),
    placement: z
      .discriminatedUnion("kind", [
        z.strictObject({
          kind: z.literal("spread").describe("As the scheduler does by itself: the emptiest node first."),
        }),
        z.strictObject({
          kind: z
            .literal("pack")
            .describe("The fullest node with room first, by accelerators: whole nodes stay free for large jobs."),
        }),
      ])
      .default({ kind: "pack" })
      .describe("Which of the nodes with room a pod gets; of effect on control planes that Millwright starts."),
    topology: z
      .array(labelKey)
      // Kueue takes 16 levels, and the last one is the node.
      .max(15)
      .default([])
      .describe(
        "Node labels from the widest part of the network to the narrowest, for groups that should be near each other. " +
          "Needs Kueue. Default: the network is one.",
      ),
    teams: z.array(teamSchema).max(100).default([]).describe("Who runs something here."),
  })
  .describe("Priorities, queues and quotas. Default: whoever comes first is served first.");

export type SchedulingSpec = z.infer<typeof schedulingSchema>;
export type TeamSpec = z.infer<typeof teamSchema>;
export type QuotaSpec = z.infer<typeof quotaSchema>;
