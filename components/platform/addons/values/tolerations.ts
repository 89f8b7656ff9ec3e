import type { PoolSpec } from "../../../../stacks/pools.ts";
import { taintsOf } from "../../../compute/pools/placement.ts";
import type { Values } from "../types.ts";

/** What lets an agent onto every node of these pools: each of their taints, once, whatever its value. */
export function tolerationsOf(pools: readonly PoolSpec[]): readonly Values[] {
  const taints = pools.flatMap(taintsOf).map(({ key, effect }) => `${effect} ${key}`);
  return [...new Set(taints)].sort().map((taint) => {
    const [effect = "", key = ""] = taint.split(" ");
    return { key, operator: "Exists", effect };
  });
}
