import type { Problem } from "../components/core/problem.ts";
import { type PoolExtent, validateAws } from "../components/platform/aws/validate.ts";
import { type EksSpec, eksSchema } from "./aws.ts";
import { memberOf } from "./json-schema.ts";
import { poolSchema } from "./pools.ts";

/** The rules of a cluster on AWS: see components/platform/aws/validate.ts, which the component shares. */
export function awsProblems(raw: unknown): Problem[] {
  const cluster = ["platform", "cluster"].reduce(memberOf, raw);
  if (memberOf(cluster, "kind") !== "eks") {
    return [];
  }
  return validateAws(validParts(cluster), extents(memberOf(raw, "pools"))).map(({ path, ...problem }) => ({
    path: `platform.cluster.${path}`,
    ...problem,
  }));
}

/** The fields that are valid by themselves, with their defaults. */
function validParts(cluster: unknown): Partial<EksSpec> {
  const parts = Object.entries(eksSchema.shape).flatMap(([field, schema]) => {
    const parsed = schema.safeParse(memberOf(cluster, field));
    return parsed.success && parsed.data !== undefined ? [[field, parsed.data] as const] : [];
  });
  return Object.fromEntries(parts);
}

/** The pools that are machines of AWS. */
function extents(pools: unknown): PoolExtent[] {
  return (Array.isArray(pools) ? pools : []).flatMap((pool: unknown) => {
    const parsed = poolSchema.safeParse(pool);
    if (!parsed.success) {
      return [];
    }
    const { name, provisioning, size } = parsed.data;
    if (provisioning.kind !== "nodeGroup" && provisioning.kind !== "karpenter") {
      return [];
    }
    const nodes = size.kind === "fixed" ? size.nodes : size.max;
    return [{ name, nodes, ...(provisioning.zones === undefined ? {} : { zones: provisioning.zones }) }];
  });
}
