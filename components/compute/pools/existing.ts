import type { NodePatchArgs } from "@pulumi/kubernetes/core/v1/nodePatch.js";
import { nodeLabelsOf, taintsOf } from "./placement.ts";
import type { PoolOf } from "./types.ts";

/**
 * What a node that exists gets: the pool's labels and taints, by server-side apply, as fields of a manager of their own.
 *
 * Taints are one value to Kubernetes (`x-kubernetes-list-type: atomic`): whoever writes them writes all of them. So they are
 * never forced. Where somebody else has set other taints on the node, the API server answers with a conflict, which names who,
 * and nothing is lost; the stack then says those too, in `taints`. Without taints the list is left to whoever has it.
 */
export function renderNodePatch(pool: PoolOf<"existing">, node: string): NodePatchArgs {
  const taints = taintsOf(pool).map(({ key, value, effect }) => ({ key, ...(value === "" ? {} : { value }), effect }));
  return {
    metadata: { name: node, labels: { ...nodeLabelsOf(pool) } },
    ...(taints.length === 0 ? {} : { spec: { taints } }),
  };
}
