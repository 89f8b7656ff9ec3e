import type { PoolSpec } from "../../../stacks/pools.ts";
import type { SchedulingSpec } from "../../../stacks/scheduling.ts";

/** Who may use how much of which pool, and who goes first; see `scheduling` in stacks/scheduling.ts for units and defaults. */
export interface SchedulingArgs {
  readonly spec: SchedulingSpec;
  /** The pools of the cluster. */
  readonly pools: readonly PoolSpec[];
}
