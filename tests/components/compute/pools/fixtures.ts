import type { PoolOf } from "../../../../components/compute/pools/types.ts";
import { type PoolSpec, poolSchema } from "../../../../stacks/pools.ts";

type Written = Readonly<Record<string, unknown>>;

/** A pool as a stack file has it, with its defaults. */
export function pool(written: Written): PoolSpec {
  return poolSchema.parse({ name: "training", size: { kind: "fixed", nodes: 4 }, ...written });
}

/** Fast trainings over several nodes: EFA, one spine, a reservation. */
export const RESERVATION = "cr-0123456789abcdef0";

export const nodeGroup = (provisioning: Written = {}, rest: Written = {}) =>
  pool({
    provisioning: { kind: "nodeGroup", instanceTypes: ["p5.48xlarge"], ...provisioning },
    ...rest,
  }) as PoolOf<"nodeGroup">;

export const karpenter = (provisioning: Written = {}, rest: Written = {}) =>
  pool({
    name: "serving",
    provisioning: { kind: "karpenter", instanceTypes: ["g6e.xlarge", "g6e.2xlarge"], ...provisioning },
    size: { kind: "auto", max: 10 },
    ...rest,
  }) as PoolOf<"karpenter">;

export const existing = (rest: Written = {}) =>
  pool({
    name: "lab",
    provisioning: { kind: "existing", nodes: ["node-a", "node-b"] },
    machine: { cpu: 32, memoryGiB: 256, accelerator: "a100-40gb", accelerators: 4 },
    size: { kind: "fixed", nodes: 2 },
    ...rest,
  }) as PoolOf<"existing">;

export const simulated = (provisioning: Written = {}, rest: Written = {}) =>
  pool({
    name: "sim",
    provisioning: { kind: "simulated", instanceType: "p5.48xlarge", ...provisioning },
    ...rest,
  }) as PoolOf<"simulated">;
