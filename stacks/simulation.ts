import { z } from "zod";

/** What happens on the simulated cluster: a day of jobs and endpoints, failures of nodes, spot machines taken back. */

export const simulationSchema = z
  .strictObject({
    seed: z.number().int().nonnegative().default(17).describe("Decides everything that is drawn."),
    speed: z
      .number()
      .positive()
      .max(10_000)
      .default(60)
      .describe("Simulated seconds a second: with 60 a day takes 24 minutes."),
    jobs: z
      .strictObject({
        perDay: z.number().int().min(0).max(1_000_000).default(500).describe("Jobs of all teams that arrive in a day."),
        hours: z.number().positive().max(720).default(24).describe("How long they arrive for."),
      })
      .prefault({})
      .describe("Trainings, searches and compressions."),
    endpoints: z.number().int().min(0).max(10_000).default(20).describe("Services that run all day."),
    failures: z
      .strictObject({
        acceleratorDays: z
          .number()
          .positive()
          .default(2111)
          .describe(
            "Days of one accelerator between interruptions: 419 in 54 days of 16,384 H100 (Llama 3 paper, section 3.3.4).",
          ),
        repairMinutes: z
          .number()
          .positive()
          .default(30)
          .describe("Until a failed node, or a spot node that was taken back, is replaced."),
      })
      .prefault({})
      .describe("How often nodes fail."),
    spotReclaimsPerDay: z
      .number()
      .min(0)
      .max(100)
      .default(0.05)
      .describe("Share of the spot nodes that is taken back in a day."),
  })
  .describe("What happens on simulated nodes.");

export type SimulationSpec = z.infer<typeof simulationSchema>;
