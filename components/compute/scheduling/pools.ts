import type { PoolSpec } from "../../../stacks/pools.ts";
import { supplyOf } from "./supply.ts";
import type { Pools } from "./validate.ts";

/** The pools as validation reads them. */
export function poolsOf(pools: readonly PoolSpec[]): Pools {
  return {
    names: pools.map(({ name }) => name),
    supplies: pools.flatMap((pool) => supplyOf(pool) ?? []),
  };
}
