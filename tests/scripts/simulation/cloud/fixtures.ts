import { renderSimulatedPool, type SimulatedNodePool } from "../../../../components/compute/pools/simulated.ts";
import type { PoolOf } from "../../../../components/compute/pools/types.ts";
import { poolSchema } from "../../../../stacks/pools.ts";
import { schedulingSchema } from "../../../../stacks/scheduling.ts";
import { simulationSchema } from "../../../../stacks/simulation.ts";

type Written = Readonly<Record<string, unknown>>;

/** A simulated pool as a stack file has it, with its defaults. */
export function poolSpec(name: string, written: Written = {}): PoolOf<"simulated"> {
  return poolSchema.parse({
    name,
    provisioning: { kind: "simulated" },
    machine: { cpu: 96, memoryGiB: 384, accelerator: "a100-80gb", accelerators: 8 },
    size: { kind: "fixed", nodes: 4 },
    ...written,
  }) as PoolOf<"simulated">;
}

/** The object of a simulated pool, as the stack declares it. */
export const poolObject = (name: string, written: Written = {}): SimulatedNodePool =>
  renderSimulatedPool(poolSpec(name, written));

export const simulation = (written: Written = {}) => simulationSchema.parse(written);

export const scheduling = (teams: readonly Written[]) => schedulingSchema.parse({ teams });
