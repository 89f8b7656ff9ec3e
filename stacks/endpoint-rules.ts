import { machinesOf } from "../components/compute/pools/machines.ts";
import type { Problem } from "../components/core/problem.ts";
import { hostOf } from "../components/serving/language/host.ts";
import { validateLanguageEndpoint } from "../components/serving/language/validate.ts";
import { endpointSchema } from "./endpoints.ts";
import { memberOf } from "./json-schema.ts";
import { type PoolSpec, poolSchema } from "./pools.ts";

/**
 * What the stack's endpoints say of each other, of its models and of the pools. Paths start at the stack. Pure.
 *
 * @param platform the stack that has the pools, as written, where that is another one (`platform.cluster.kind: platform`).
 * Without it it is not judged whether an endpoint fits its pool.
 */
export function endpointProblems(raw: unknown, platform?: unknown): Problem[] {
  const endpoints = listAt(raw, "endpoints");
  const standsOnAnother = ["platform", "cluster", "kind"].reduce(memberOf, raw) === "platform";
  const owner = standsOnAnother ? platform : raw;
  const pools = owner === undefined ? undefined : (memberOf(owner, "pools") ?? []);
  return endpoints.flatMap((endpoint, index) =>
    [
      ...nameProblems(raw, endpoints, index),
      ...autoscalerProblems(raw, endpoint),
      ...ownProblems(endpoint, Array.isArray(pools) ? pools : undefined),
    ].map(({ path, ...problem }) => ({ path: `endpoints[${index}].${path}`, ...problem })),
  );
}

function ownProblems(raw: unknown, pools: readonly unknown[] | undefined): Problem[] {
  const endpoint = endpointSchema.safeParse(raw);
  if (!endpoint.success) {
    return [];
  }
  if (pools === undefined) {
    return validateLanguageEndpoint(endpoint.data);
  }
  const named = pools.find((pool) => memberOf(pool, "name") === endpoint.data.pool);
  if (named === undefined) {
    return [unknownPool(endpoint.data.pool, pools), ...validateLanguageEndpoint(endpoint.data)];
  }
  const pool = poolSchema.safeParse(named);
  // A pool with a problem of its own has that problem, and no others because of it.
  return validateLanguageEndpoint(endpoint.data, pool.success && isKnown(pool.data) ? hostOf(pool.data) : undefined);
}

function isKnown(pool: PoolSpec): boolean {
  return machinesOf(pool).length > 0;
}

function unknownPool(pool: string, pools: readonly unknown[]): Problem {
  const names = pools.map((each) => memberOf(each, "name")).filter((name) => typeof name === "string");
  const message = names.length === 0 ? "must be a pool, and there is none." : `must be one of ${names.join(", ")}.`;
  return { path: "pool", message, value: pool };
}

/** What the platform's own objects in the namespace are called; see rules.ts. */
const RESERVED_NAMES = ["database", "mlflow", "mlflow-mirror", "prometheus", "watcher"];

function nameProblems(raw: unknown, endpoints: readonly unknown[], index: number): Problem[] {
  const name = memberOf(endpoints[index], "name");
  if (typeof name !== "string") {
    return [];
  }
  const problem = (message: string): Problem => ({ path: "name", message, value: name });
  const first = endpoints.findIndex((endpoint) => memberOf(endpoint, "name") === name);
  const model = listAt(raw, "models").findIndex((each) => memberOf(each, "name") === name);
  return [
    ...(first < index ? [problem(`must be unique: endpoints[${first}] has this name already.`)] : []),
    ...(model >= 0 ? [problem(`must be another than a model's: models[${model}] has this name.`)] : []),
    ...(RESERVED_NAMES.includes(name)
      ? [problem(`must be another than ${RESERVED_NAMES.join(", ")}, which are parts of the platform.`)]
      : []),
  ];
}

/** Who changes the number of replicas. */
function autoscalerProblems(raw: unknown, endpoint: unknown): Problem[] {
  if (["scaling", "kind"].reduce(memberOf, endpoint) !== "auto") {
    return [];
  }
  const kind = ["platform", "autoscaler", "kind"].reduce(memberOf, raw);
  if (kind === undefined) {
    const message =
      "must be fixed, or platform.autoscaler must say {kind: install}, or {kind: present} where the cluster has KEDA.";
    return [{ path: "scaling.kind", message, value: "auto" }];
  }
  const nodes = ["parallelism", "pipeline"].reduce(memberOf, endpoint);
  if (kind === "install" && typeof nodes === "number" && nodes > 1) {
    const message =
      "must be fixed, or platform.autoscaler must be {kind: present}: the KEDA that comes with the stack may scale Deployments alone, and a replica of several nodes is none.";
    return [{ path: "scaling.kind", message, value: "auto" }];
  }
  return [];
}

function listAt(raw: unknown, field: string): readonly unknown[] {
  const value = memberOf(raw, field);
  return Array.isArray(value) ? value : [];
}
