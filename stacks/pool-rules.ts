import type { PoolCluster } from "../components/compute/pools/types.ts";
import { validatePools } from "../components/compute/pools/validate.ts";
import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";
import { poolSchema } from "./pools.ts";

/** What the stack's pools say of each other and of its cluster. Paths start at the stack. */
export function poolProblems(raw: unknown): Problem[] {
  const pools = memberOf(raw, "pools");
  if (!Array.isArray(pools)) {
    return [];
  }
  const parsed = pools.map((pool: unknown) => poolSchema.safeParse(pool).data);
  return validatePools(parsed, clusterOf(raw)).map(({ path, ...problem }) => ({ path: `pools${path}`, ...problem }));
}

const KINDS: readonly PoolCluster["kind"][] = ["local", "simulated", "existing", "eks"];

/** The stack's own cluster; undefined where it is not written as it must be, or another stack's (layer-rules.ts says so). */
function clusterOf(raw: unknown): PoolCluster | undefined {
  const cluster = ["platform", "cluster"].reduce(memberOf, raw);
  const kind = KINDS.find((each) => each === memberOf(cluster, "kind"));
  const zones = memberOf(cluster, "zones");
  const region = memberOf(cluster, "region");
  return kind === undefined
    ? undefined
    : {
        kind,
        ...(Array.isArray(zones) ? { zones: zones.filter((zone) => typeof zone === "string") } : {}),
        ...(typeof region === "string" ? { region } : {}),
      };
}
