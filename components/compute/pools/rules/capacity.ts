import type { CapacitySpec, PoolSpec } from "../../../../stacks/pools.ts";
import { INSTANCE_TYPES, isInstanceTypeName } from "../../../catalog/instance-types.ts";
import type { Problem } from "../../../core/problem.ts";
import { CAPACITY_BLOCK_MACHINES } from "../defaults.ts";
import { instanceTypesOf } from "../machines.ts";
import type { PoolCluster } from "../types.ts";
import { listed } from "./words.ts";

const WORDS = {
  onDemand: "on demand",
  spot: "as spot",
  reserved: "by reservation",
  capacityBlock: "in capacity blocks",
} as const;

/** When every capacity block ends, by AWS: docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-blocks.html. */
const BLOCK_END = /T11:30(:00)?Z$/;

/** What is wrong with how a pool's machines are paid for. */
export function capacityProblems(pool: PoolSpec, cluster: PoolCluster | undefined): Problem[] {
  if (pool.provisioning.kind === "existing") {
    return [];
  }
  const { capacity } = pool.provisioning;
  return [
    ...soldProblems(pool, capacity),
    ...blockEndProblems(capacity),
    ...(pool.provisioning.kind === "simulated" ? [] : boundProblems(pool, capacity, cluster)),
  ];
}

function soldProblems(pool: PoolSpec, capacity: CapacitySpec): Problem[] {
  const kinds =
    capacity.kind === "spot" && capacity.fallback === "onDemand" ? (["spot", "onDemand"] as const) : [capacity.kind];
  return instanceTypesOf(pool)
    .filter(isInstanceTypeName)
    .flatMap((name) =>
      kinds
        .filter((kind) => !INSTANCE_TYPES[name].capacity.includes(kind))
        .map((kind) => {
          const sold = INSTANCE_TYPES[name].capacity.map((each) => WORDS[each]);
          const message = `must be another: ${name} is not to be had ${WORDS[kind]}, but ${listed(sold)}.`;
          const isFallback = kind !== capacity.kind;
          return isFallback
            ? { path: "provisioning.capacity.fallback", message, value: kind }
            : { path: "provisioning.capacity.kind", message, value: kind };
        }),
    );
}

function blockEndProblems(capacity: CapacitySpec): Problem[] {
  if (capacity.kind !== "capacityBlock") {
    return [];
  }
  const { ends } = capacity;
  const path = "provisioning.capacity.ends";
  const date = new Date(ends);
  // A day that its month does not have is taken for one of the next.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== ends.slice(0, 10)) {
    return [{ path, message: "must be a day and an hour that there are.", value: ends }];
  }
  return BLOCK_END.test(ends)
    ? []
    : [{ path, message: 'must be at 11:30 UTC, when every capacity block ends: "...T11:30:00Z".', value: ends }];
}

/** A reservation is of one type in one zone, and a block of a number of machines that does not change. */
function boundProblems(pool: PoolSpec, capacity: CapacitySpec, cluster: PoolCluster | undefined): Problem[] {
  const { provisioning, size, disruption } = pool;
  const problems: Problem[] = [];
  if (provisioning.kind === "nodeGroup" && capacity.kind === "spot" && capacity.fallback === "onDemand") {
    const message = "must be none in a node group, which is either spot or on demand; Karpenter falls back.";
    problems.push({ path: "provisioning.capacity.fallback", message, value: capacity.fallback });
  }
  if (capacity.kind !== "reserved" && capacity.kind !== "capacityBlock") {
    return problems;
  }
  const types = instanceTypesOf(pool);
  const what = capacity.kind === "reserved" ? "reservation" : "capacity block";
  if (types.length > 1) {
    const message = `must be one: a ${what} is of one instance type; these are ${types.length}.`;
    problems.push({ path: "provisioning.instanceTypes", message, value: types });
  }
  const zones = provisioning.kind === "nodeGroup" ? (provisioning.zones ?? cluster?.zones) : undefined;
  if (zones !== undefined && zones.length > 1) {
    const message = `must be the ${what}'s own zone alone: a node group looks for its machines in all of its ${zones.length}.`;
    problems.push({ path: "provisioning.zones", message, value: zones });
  }
  if (capacity.kind !== "capacityBlock") {
    return problems;
  }
  if (size.kind === "auto") {
    const message = "must be fixed: a capacity block is paid for, used or not.";
    problems.push({ path: "size.kind", message, value: size.kind });
  } else if (size.nodes > CAPACITY_BLOCK_MACHINES) {
    const message = `must be at most ${CAPACITY_BLOCK_MACHINES}, which is what one capacity block has at most; the rest is another pool's.`;
    problems.push({ path: "size.nodes", message, value: size.nodes });
  }
  if (disruption.expireHours !== undefined) {
    const message = "must be left out: a capacity block's nodes go when it ends.";
    problems.push({ path: "disruption.expireHours", message, value: disruption.expireHours });
  }
  return problems;
}
