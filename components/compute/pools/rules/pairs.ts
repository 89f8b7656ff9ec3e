import type { PoolSpec } from "../../../../stacks/pools.ts";
import type { Problem } from "../../../core/problem.ts";
import { taintsOf } from "../placement.ts";
import type { PoolCluster, PoolOf } from "../types.ts";
import { listed } from "./words.ts";

/** A pool, and where it stands in the stack's list. */
interface Placed<P extends PoolSpec = PoolSpec> {
  readonly index: number;
  readonly pool: P;
}

/**
 * What is wrong with pools beside each other: the same name, the same machines twice, or nothing by which Karpenter could
 * choose between two. Paths start at the list, as `[1].name`; the later of two pools is the one that is named.
 */
export function pairProblems(pools: readonly (PoolSpec | undefined)[], cluster: PoolCluster | undefined): Problem[] {
  const placed = pools.flatMap((pool, index) => (pool === undefined ? [] : [{ index, pool }]));
  const pairs = placed.flatMap((later) =>
    placed.filter(({ index }) => index < later.index).map((earlier) => [earlier, later] as const),
  );
  return pairs.flatMap(([earlier, later]) => [
    ...sameName(earlier, later),
    ...sameNodes(earlier, later),
    ...sameReservation(earlier, later),
    ...sameMachines(earlier, later, cluster),
    ...otherRepair(earlier, later),
  ]);
}

function sameName(earlier: Placed, later: Placed): Problem[] {
  const { name } = later.pool;
  return earlier.pool.name === name
    ? [
        {
          path: `[${later.index}].name`,
          message: `must be unique: pools[${earlier.index}] has this name already.`,
          value: name,
        },
      ]
    : [];
}

function isOf<K extends PoolSpec["provisioning"]["kind"]>(placed: Placed, kind: K): placed is Placed<PoolOf<K>> {
  return placed.pool.provisioning.kind === kind;
}

function sameNodes(earlier: Placed, later: Placed): Problem[] {
  if (!isOf(earlier, "existing") || !isOf(later, "existing")) {
    return [];
  }
  const taken = earlier.pool.provisioning.nodes;
  return later.pool.provisioning.nodes.flatMap((value, index) =>
    taken.includes(value)
      ? [
          {
            path: `[${later.index}].provisioning.nodes[${index}]`,
            message: `must be in one pool: pools[${earlier.index}] (${earlier.pool.name}) has this node already.`,
            value,
          },
        ]
      : [],
  );
}

function reservationOf({ pool: { provisioning } }: Placed): string | undefined {
  return provisioning.kind !== "existing" && "id" in provisioning.capacity ? provisioning.capacity.id : undefined;
}

function sameReservation(earlier: Placed, later: Placed): Problem[] {
  const id = reservationOf(later);
  return id !== undefined && id === reservationOf(earlier)
    ? [
        {
          path: `[${later.index}].provisioning.capacity.id`,
          message: `must be in one pool: pools[${earlier.index}] (${earlier.pool.name}) takes this reservation's machines already.`,
          value: id,
        },
      ]
    : [];
}

/** Karpenter picks at random between pools of the same weight that a pod could use. */
function sameMachines(earlier: Placed, later: Placed, cluster: PoolCluster | undefined): Problem[] {
  if (!isOf(earlier, "karpenter") || !isOf(later, "karpenter")) {
    return [];
  }
  const [a, b] = [earlier.pool.provisioning, later.pool.provisioning];
  const isSizedByPods = earlier.pool.size.kind === "auto" && later.pool.size.kind === "auto";
  const types = common(a.instanceTypes, b.instanceTypes);
  const [zonesOfA, zonesOfB] = [a.zones ?? cluster?.zones, b.zones ?? cluster?.zones];
  const shareZones = zonesOfA === undefined || zonesOfB === undefined || common(zonesOfA, zonesOfB).length > 0;
  const shareCapacity = common(waysOf(a.capacity), waysOf(b.capacity)).length > 0;
  const shareTaints = taintKey(earlier.pool) === taintKey(later.pool);
  if (!isSizedByPods || a.weight !== b.weight || types.length === 0 || !shareZones || !shareCapacity || !shareTaints) {
    return [];
  }
  const message =
    `must differ from that of pools[${earlier.index}] (${earlier.pool.name}): a pod without a pool could get ${listed(types)} ` +
    "of either, and they have the same taints. Of two weights the higher is tried first.";
  return [{ path: `[${later.index}].provisioning.weight`, message, value: b.weight }];
}

function common(a: readonly string[], b: readonly string[]): string[] {
  return a.filter((each) => b.includes(each));
}

function waysOf(capacity: PoolOf<"karpenter">["provisioning"]["capacity"]): string[] {
  switch (capacity.kind) {
    case "spot":
      return capacity.fallback === "onDemand" ? ["spot", "onDemand"] : ["spot"];
    case "reserved":
    case "capacityBlock":
      return [capacity.id];
    case "onDemand":
      return [capacity.kind];
  }
}

function taintKey(pool: PoolSpec): string {
  return JSON.stringify(
    taintsOf(pool)
      .map(({ key, value, effect }) => [key, value, effect].join("\n"))
      .sort(),
  );
}

/** One gate of the controller's switches repair on, for all its pools. */
function otherRepair(earlier: Placed, later: Placed): Problem[] {
  return isOf(earlier, "karpenter") && isOf(later, "karpenter") && earlier.pool.repair !== later.pool.repair
    ? [
        {
          path: `[${later.index}].repair`,
          message: `must be ${earlier.pool.repair}, as of pools[${earlier.index}] (${earlier.pool.name}): Karpenter repairs all its pools or none.`,
          value: later.pool.repair,
        },
      ]
    : [];
}
