import type { PoolSpec } from "../../../../stacks/pools.ts";
import { INSTANCE_TYPES, isInstanceTypeName } from "../../../catalog/instance-types.ts";
import { PRICES_READ, type Region } from "../../../catalog/prices.ts";
import type { Problem } from "../../../core/problem.ts";
import { maximumSizeOf } from "../capacity.ts";
import { acceleratorOf, instanceTypesOf, machinesOf } from "../machines.ts";
import type { PoolCluster } from "../types.ts";
import { counted, listed, repeated } from "./words.ts";

/** What is wrong with how many nodes a pool has, and with how far it may go. */
export function sizeProblems(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  return [...numberProblems(pool), ...limitProblems(pool), ...priceProblems(pool, cluster)];
}

function numberProblems({ provisioning, size }: PoolSpec): Problem[] {
  const problems: Problem[] = [];
  if (size.kind === "auto" && size.min > size.max) {
    problems.push({ path: "size.min", message: `must be at most max, which is ${size.max}.`, value: size.min });
  }
  if (provisioning.kind === "karpenter" && size.kind === "auto" && size.min > 0) {
    const message = "must be 0 with Karpenter, which has as many nodes as pods call for; a fixed size keeps some.";
    problems.push({ path: "size.min", message, value: size.min });
  }
  if (provisioning.kind !== "existing") {
    return problems;
  }
  const { nodes } = provisioning;
  if (size.kind === "auto" || size.nodes !== nodes.length) {
    const message = `must be {kind: fixed, nodes: ${nodes.length}}: provisioning.nodes names ${counted(nodes.length, "node")}.`;
    problems.push({ path: "size", message, value: size });
  }
  const twice = repeated(nodes, (a, b) => a === b).map(({ index, first }) => ({
    path: `provisioning.nodes[${index}]`,
    message: `must not be named twice: provisioning.nodes[${first}] is the same.`,
    value: nodes[index],
  }));
  return [...problems, ...twice];
}

/** Limits that no node fits into, and limits that nothing would keep. */
function limitProblems(pool: PoolSpec): Problem[] {
  const { limits, provisioning, size } = pool;
  const machines = machinesOf(pool);
  const nodes = maximumSizeOf(pool);
  const isKept = provisioning.kind === "karpenter" && size.kind === "auto";
  if (machines.length === 0) {
    return [];
  }
  const problems: Problem[] = [];
  if (limits.accelerators !== undefined && acceleratorOf(pool) === undefined) {
    const message = "must be left out: its nodes have no accelerator.";
    return [{ path: "limits.accelerators", message, value: limits.accelerators }];
  }
  for (const [field, each, unit] of [
    ["accelerators", machines.map(({ accelerators }) => accelerators), "accelerator"],
    ["cpu", machines.map(({ cpu }) => cpu), "core"],
  ] as const) {
    const limit = limits[field];
    if (limit === undefined) {
      continue;
    }
    const [least, most] = [Math.min(...each), Math.max(...each)];
    const path = `limits.${field}`;
    if (limit < least) {
      const message = `must be at least ${least}, which is what one node has: with less the pool stays empty.`;
      problems.push({ path, message, value: limit });
    } else if (!isKept && nodes * most > limit) {
      const message =
        `must be at least ${nodes * most}, or the size at most ${Math.floor(limit / most)}: ` +
        `${counted(nodes, "node")} x ${counted(most, unit)} = ${nodes * most}. Only Karpenter stops a pool at a limit.`;
      problems.push({ path, message, value: limit });
    }
  }
  return problems;
}

/** The price of the pool at its largest, on demand, each machine the dearest it may be. */
function priceProblems(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  const limit = pool.limits.usdPerHour;
  const path = "limits.usdPerHour";
  if (limit === undefined) {
    return [];
  }
  const types = instanceTypesOf(pool);
  const known = types.filter(isInstanceTypeName);
  if (known.length < types.length) {
    return [];
  }
  const region = cluster?.region;
  if (types.length === 0 || (cluster !== undefined && region === undefined)) {
    const message = "must be left out: prices are AWS's, of an instance type in a region, and this pool has none.";
    return [{ path, message, value: limit }];
  }
  if (region === undefined) {
    return [];
  }
  const priced = known.map((name) => ({ name, price: INSTANCE_TYPES[name].pricesUsdPerHour[region as Region] }));
  const unpriced = priced.filter(({ price }) => price === undefined).map(({ name }) => name);
  if (unpriced.length > 0) {
    const where = Object.hasOwn(PRICES_READ, region) ? `in ${region}` : `in ${region}, of which there are none at all`;
    const message = `cannot be judged: components/catalog/prices.ts has no price of ${listed(unpriced)} ${where}. Leave it out, or add the price there.`;
    return [{ path, message, value: limit }];
  }
  const dearest = priced.reduce((a, b) => ((b.price ?? 0) > (a.price ?? 0) ? b : a));
  const nodes = maximumSizeOf(pool);
  const price = dearest.price ?? 0;
  const sum = Math.round(nodes * price * 100) / 100;
  if (sum <= limit) {
    return [];
  }
  const message =
    `must be at least ${sum}, or the size at most ${Math.floor(limit / price)}: ` +
    `${counted(nodes, "node")} x ${price} USD an hour (${dearest.name} in ${region}) = ${sum} USD an hour.`;
  return [{ path, message, value: limit }];
}
