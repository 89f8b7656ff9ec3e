import type { QuotaSpec, SchedulingSpec, TeamSpec } from "../../../stacks/scheduling.ts";
import { POOL_LABEL } from "../../core/labels.ts";
import type { Problem } from "../../core/problem.ts";
import { topologyLevels } from "./queue.ts";
import { type Quota, reachOf, resolveQuota } from "./quota.ts";
import { type Amounts, amountText, type PoolSupply, scaled } from "./supply.ts";
import { namespaceOf, quotasOf } from "./teams.ts";

/** The pools of a cluster as far as they are known. */
export interface Pools {
  /** All there are, also those whose machine is not known. */
  readonly names: readonly string[];
  readonly supplies: readonly PoolSupply[];
}

/** What the schema cannot say of queues and quotas. Paths start at the stack's `scheduling`. */
export function validateScheduling(spec: SchedulingSpec, pools: Pools): Problem[] {
  return [
    ...validateTeams(spec),
    ...spec.teams.flatMap((team, index) => validateQuotas(team, `scheduling.teams[${index}]`, spec, pools)),
    ...validateSums(spec, pools),
    ...validateTopology(spec, pools),
  ];
}

/** Namespaces that are somebody else's. */
function isReserved(namespace: string): boolean {
  return namespace === "default" || namespace.startsWith("kube-") || namespace === "kueue-system";
}

function validateTeams({ teams, queues }: SchedulingSpec): Problem[] {
  return teams.flatMap((team, index) => {
    const path = `scheduling.teams[${index}]`;
    const problems: Problem[] = [];
    const namesake = teams.findIndex(({ name }) => name === team.name);
    if (namesake < index) {
      const message = `must be unique: scheduling.teams[${namesake}] has this name already.`;
      problems.push({ path: `${path}.name`, message, value: team.name });
    }
    const namespace = namespaceOf(team);
    const place = team.namespace === undefined ? `${path}.name` : `${path}.namespace`;
    const neighbour = teams.findIndex((other) => namespaceOf(other) === namespace);
    if (neighbour < index && neighbour !== namesake) {
      const message = `must be a namespace of the team's own: scheduling.teams[${neighbour}] has it already.`;
      problems.push({ path: place, message, value: namespace });
    }
    if (isReserved(namespace)) {
      const message =
        "must be a namespace that is made and removed with the team: not default, kube-* or kueue-system.";
      problems.push({ path: place, message, value: namespace });
    }
    if (queues.kind === "resourceQuota" && team.weight !== 1) {
      const message = "must be left out: only Kueue shares what is free; write queues: {kind: kueue}, or no weight.";
      problems.push({ path: `${path}.weight`, message, value: team.weight });
    }
    return problems;
  });
}

function validateQuotas(team: TeamSpec, path: string, { queues }: SchedulingSpec, pools: Pools): Problem[] {
  return team.quotas.flatMap((quota, index) => {
    const place = `${path}.quotas[${index}]`;
    const first = team.quotas.findIndex(({ pool }) => pool === quota.pool);
    return [
      ...validatePoolName(`${place}.pool`, quota.pool, pools),
      ...(first < index
        ? [
            {
              path: `${place}.pool`,
              message: `must be unique in the team: quotas[${first}] is of this pool already.`,
              value: quota.pool,
            },
          ]
        : []),
      ...validateLoans(quota, place, queues.kind),
      ...validateDevices(
        quota,
        place,
        pools.supplies.find(({ pool }) => pool === quota.pool),
      ),
    ];
  });
}

function validatePoolName(path: string, pool: string, { names }: Pools): Problem[] {
  return names.includes(pool)
    ? []
    : [
        {
          path,
          message:
            names.length === 0
              ? "must be left out: there are no pools."
              : `must be one of the pools: ${names.join(", ")}.`,
          value: pool,
        },
      ];
}

function validateLoans(quota: QuotaSpec, path: string, kind: SchedulingSpec["queues"]["kind"]): Problem[] {
  const problems: Problem[] = [];
  for (const field of ["borrow", "lend"] as const) {
    if (kind === "resourceQuota" && quota[field] !== undefined) {
      const message = "must be left out: a ResourceQuota lends nothing; write queues: {kind: kueue}.";
      problems.push({ path: `${path}.${field}`, message, value: quota[field] });
    }
  }
  const accelerators = quota.accelerators ?? 0;
  if (quota.lend !== undefined && quota.lend > accelerators) {
    const message = `must be at most the team's own accelerators, which are ${accelerators}.`;
    problems.push({ path: `${path}.lend`, message, value: quota.lend });
  }
  return problems;
}

/** What is said in devices needs a pool that has some; what is not said needs devices to be reckoned by. */
function validateDevices(quota: QuotaSpec, path: string, supply: PoolSupply | undefined): Problem[] {
  if (supply === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  if (supply.device === undefined) {
    for (const field of ["accelerators", "borrow", "lend"] as const) {
      if (quota[field] !== undefined && quota[field] > 0) {
        const message = `must be left out: the nodes of pool ${supply.pool} have no devices.`;
        problems.push({ path: `${path}.${field}`, message, value: quota[field] });
      }
    }
    for (const field of ["cpu", "memoryGiB"] as const) {
      if (quota[field] === undefined) {
        const message = `is required: pool ${supply.pool} has no devices that a team's share could be reckoned by.`;
        problems.push({ path: `${path}.${field}`, message });
      }
    }
  }
  return problems;
}

/** The field of a quota that says a resource; what no field says follows from the devices, and fits where they do. */
function fieldOf(resource: string, { device }: PoolSupply): "accelerators" | "cpu" | "memoryGiB" | undefined {
  const fields: Readonly<Record<string, "cpu" | "memoryGiB">> = { cpu: "cpu", memory: "memoryGiB" };
  return resource === device ? "accelerators" : fields[resource];
}

/** What all teams were promised of a pool is there. */
function validateSums(spec: SchedulingSpec, { supplies }: Pools): Problem[] {
  return supplies.flatMap((supply) => {
    const shares = spec.teams.flatMap(({ name, quotas }) =>
      quotas
        .filter(({ pool }) => pool === supply.pool)
        .map((quota) => ({ name, nominal: resolveQuota(quota, supply).nominal })),
    );
    return Object.entries(supply.total).flatMap(([resource, total]): Problem[] => {
      const sum = shares.reduce((all, { nominal }) => all + (nominal[resource] ?? 0), 0);
      const field = fieldOf(resource, supply);
      if (sum <= total || field === undefined) {
        return [];
      }
      const parts = shares
        .map(({ name, nominal }) => `${name} ${amountText(resource, nominal[resource] ?? 0)}`)
        .join(" + ");
      const node = amountText(resource, supply.node[resource] ?? 0);
      const message =
        `must have quotas of pool ${supply.pool} that add up to at most what it has of ${resource} at its largest: ` +
        `${parts} = ${amountText(resource, sum)}, and ${supply.nodes} nodes x ${node} = ${amountText(resource, total)}.`;
      return [{ path: "scheduling.teams", message }];
    });
  });
}

/** Labels that the cloud's controllers and the kubelet put on every node. */
const COMMON_LEVELS = ["kubernetes.io/hostname", "topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/**
 * Those that AWS's cloud controller puts on instances whose place in the network it is told, the widest first.
 * Source: kubernetes/cloud-provider-aws, docs/topology.md.
 */
const AWS_LEVELS = [1, 2, 3].map((layer) => `topology.k8s.aws/network-node-layer-${layer}`);

function validateTopology({ topology, queues, teams }: SchedulingSpec, { supplies }: Pools): Problem[] {
  const problems: Problem[] = [];
  const path = "scheduling.topology";
  if (topology.length > 0 && queues.kind !== "kueue") {
    const message = "must be empty: only Kueue places groups by the network; write queues: {kind: kueue}.";
    problems.push({ path, message, value: topology });
  }
  const levels = topologyLevels(topology);
  levels.forEach((label, index) => {
    if (levels.indexOf(label) < index) {
      problems.push({ path: `${path}[${index}]`, message: "must be named once.", value: label });
    }
    if (label === "kubernetes.io/hostname" && index < levels.length - 1) {
      const message = "must be the last: nothing is narrower than a node.";
      problems.push({ path: `${path}[${index}]`, message, value: label });
    }
  });
  const queued = new Set(teams.flatMap(({ quotas }) => quotas.map(({ pool }) => pool)));
  for (const supply of supplies.filter(({ pool }) => queued.has(pool))) {
    const known = labelsOf(supply);
    topology.forEach((label, index) => {
      if (known !== undefined && !known.includes(label)) {
        const message =
          `must be a label of the nodes of pool ${supply.pool}, or none of its pods would be admitted: ` +
          `add it to pools' labels, or name one of ${known.filter((each) => each !== POOL_LABEL).join(", ")}.`;
        problems.push({ path: `${path}[${index}]`, message, value: label });
      }
    });
  }
  return problems;
}

/** The labels a pool's nodes are known to have; undefined for nodes that exist already, whose labels nobody has read. */
function labelsOf({ provisioning, labels }: PoolSupply): string[] | undefined {
  if (provisioning === "existing") {
    return undefined;
  }
  const ofCloud = provisioning === "simulated" ? [] : AWS_LEVELS;
  return [...COMMON_LEVELS, ...ofCloud, ...Object.keys(labels)].sort();
}

/** What does not stop anybody, but is better known beforehand. Full sentences. */
export function schedulingWarnings(spec: SchedulingSpec, { supplies }: Pools): string[] {
  const warnings: string[] = [];
  if (spec.queues.kind === "resourceQuota") {
    for (const { name, quotas } of spec.teams) {
      const own = supplies.filter(({ pool }) => quotas.some((quota) => quota.pool === pool));
      for (const device of new Set(own.flatMap((supply) => supply.device ?? []))) {
        const pools = own.filter((supply) => supply.device === device).map(({ pool }) => pool);
        if (pools.length > 1) {
          warnings.push(
            `Team ${name} has quotas of the pools ${pools.join(", ")}, whose devices are all called ${device}: a ResourceQuota ` +
              "does not tell pools apart, so it may use the sum of them in any. Kueue would keep them apart.",
          );
        }
      }
    }
    if (spec.teams.length > 0) {
      warnings.push(
        "ResourceQuota admits pod by pod: a group of workers may get a part of its pods and hold their devices until it " +
          "gives up. Kueue admits all or none.",
      );
    }
  }
  if (spec.topology.length > 0) {
    const growing = supplies.filter(({ grows }) => grows).map(({ pool }) => pool);
    if (growing.length > 0) {
      warnings.push(
        `The pools ${growing.join(", ")} grow with what is wanted: Kueue reckons the topology by nodes that are there, so ` +
          "it may admit nothing that needs a node more.",
      );
    }
  }
  return warnings;
}

/** Pods of one workload that names a pool. */
export interface Demand {
  /** Of the workload's resources. */
  readonly path: string;
  /** Where the number of pods, and of devices of a pod, is written; of what `path` holds where they are left out. */
  readonly paths: { readonly pool: string; readonly pods: string; readonly devices: string };
  readonly pool: string;
  /** At the same time. */
  readonly pods: number;
  /** Whether they are of no use but all at once. */
  readonly isGroup: boolean;
  /** Of one pod, its helpers included, by resource; devices not among them. */
  readonly amounts: Amounts;
  /** Devices of one pod. */
  readonly devices: number;
  /** What the workload calls a device. @default as the pool does */
  readonly device?: string;
}

/** Whose the workloads are, and by which quotas. */
export interface DemandContext {
  readonly pools: Pools;
  /** @default no quotas are kept */
  readonly scheduling?: SchedulingSpec;
  /** @default nobody's */
  readonly team?: string;
}

/**
 * Whether what a workload asks for can ever be had: by a node, by its pool at its largest, and by its team's quota with what
 * it can borrow. All problems, with the arithmetic.
 */
export function validateDemand(demand: Demand, { pools, scheduling, team }: DemandContext): Problem[] {
  const unknown = validatePoolName(demand.paths.pool, demand.pool, pools);
  const supply = pools.supplies.find(({ pool }) => pool === demand.pool);
  if (unknown.length > 0 || supply === undefined) {
    return unknown;
  }
  const ofDevices = validateDevice(demand, supply);
  if (ofDevices.length > 0) {
    return ofDevices;
  }
  const one = amountsOf(demand, supply);
  const ofNode = validateNode(demand, one, supply);
  return [
    ...(ofNode.length > 0 ? ofNode : validatePool(demand, one, supply)),
    ...(scheduling === undefined ? [] : validateTeamQuota(demand, one, { pools, scheduling, team })),
  ];
}

function amountsOf({ amounts, devices }: Demand, { device }: PoolSupply): Amounts {
  return devices === 0 || device === undefined ? amounts : { ...amounts, [device]: devices };
}

function validateDevice({ paths, devices, device, path }: Demand, supply: PoolSupply): Problem[] {
  if (devices > 0 && supply.device === undefined) {
    const message = `must be left out: the nodes of pool ${supply.pool} have no devices.`;
    return [{ path: paths.devices, message, value: devices }];
  }
  if (device !== undefined && device !== supply.device) {
    const message =
      supply.device === undefined
        ? `must be left out: the nodes of pool ${supply.pool} have no devices.`
        : `must be left out, or what the devices of pool ${supply.pool} are called: ${supply.device}.`;
    return [{ path: `${path}.gpuResource`, message, value: device }];
  }
  if (supply.isShared && devices > 1) {
    const message = `must be 1: the devices of pool ${supply.pool} are shared by time, and two turns are of the same device.`;
    return [{ path: paths.devices, message, value: devices }];
  }
  return [];
}

/** One pod is one node's. */
function validateNode(demand: Demand, one: Amounts, supply: PoolSupply): Problem[] {
  return Object.entries(one).flatMap(([resource, wanted]): Problem[] => {
    const there = supply.node[resource] ?? 0;
    if (wanted <= there) {
      return [];
    }
    const isDevice = resource === supply.device;
    const message =
      `must fit a node of pool ${supply.pool}: a pod asks for ${amountText(resource, wanted)} of ${resource}, ` +
      `and a node has ${amountText(resource, there)}.`;
    return [{ path: isDevice ? demand.paths.devices : demand.path, message }];
  });
}

/** As many pods as work at the same time fit its nodes, each pod whole on one. */
function validatePool({ paths, pods, isGroup }: Demand, one: Amounts, supply: PoolSupply): Problem[] {
  const [resource, perNode] = podsPerNode(one, supply);
  const room = perNode * supply.nodes;
  if (pods <= room) {
    return [];
  }
  const why = isGroup ? "a group works only whole" : "the others would wait for as long as the first ones work";
  const wanted = amountText(resource, one[resource] ?? 0);
  const there = amountText(resource, supply.node[resource] ?? 0);
  const message =
    `must be at most ${room}, which is what pool ${supply.pool} holds at its largest: a node with ${there} of ${resource} ` +
    `holds ${perNode} pods of ${wanted}, and ${supply.nodes} nodes x ${perNode} = ${room}; ${why}.`;
  return [{ path: paths.pods, message, value: pods }];
}

/** How many pods a node holds, and the resource that allows no more. */
export function podsPerNode(one: Amounts, { node }: PoolSupply): readonly [resource: string, pods: number] {
  let least: readonly [string, number] = ["cpu", Number.POSITIVE_INFINITY];
  for (const [resource, wanted] of Object.entries(one)) {
    const pods = wanted === 0 ? Number.POSITIVE_INFINITY : Math.floor((node[resource] ?? 0) / wanted);
    if (pods < least[1]) {
      least = [resource, pods];
    }
  }
  return least;
}

/** Whether a workload is within its team's quota of its pool and what the team can borrow. */
export function validateTeamQuota(
  demand: Pick<Demand, "path" | "paths" | "pool" | "pods">,
  one: Amounts,
  {
    pools,
    scheduling,
    team,
  }: Required<Pick<DemandContext, "pools" | "scheduling">> & {
    readonly team: string | undefined;
  },
): Problem[] {
  if (team === undefined || !scheduling.teams.some(({ name }) => name === team)) {
    // Said once a stack, not once a workload: see validateTeam.
    return [];
  }
  const all = quotasOf(scheduling, pools.supplies);
  const ofPool = (quotas: readonly Quota[]) => quotas.find(({ pool }) => pool === demand.pool);
  const own = ofPool(all.find((each) => each.team.name === team)?.quotas ?? []);
  if (own === undefined) {
    const message = `must be a pool that team ${team} has a quota of: add one to scheduling.teams, or name another pool.`;
    return [{ path: demand.paths.pool, message, value: demand.pool }];
  }
  const others = all.flatMap((each) => (each.team.name === team ? [] : (ofPool(each.quotas) ?? [])));
  const canBorrow = scheduling.queues.kind === "kueue";
  const reach = reachOf(own, others, canBorrow);
  // What is not a group may begin with one pod and let the others wait; a Job is admitted whole all the same.
  const wanted = scaled(one, demand.pods);
  return Object.entries(wanted).flatMap(([resource, amount]): Problem[] => {
    const most = reach[resource] ?? 0;
    if (amount <= most) {
      return [];
    }
    const nominal = own.nominal[resource] ?? 0;
    const loans = canBorrow ? ` + ${amountText(resource, most - nominal)} it can borrow` : "";
    const message =
      `must be within what team ${team} can have of pool ${demand.pool}: ${demand.pods} pods x ` +
      `${amountText(resource, one[resource] ?? 0)} = ${amountText(resource, amount)} of ${resource}, and its quota is ` +
      `${amountText(resource, nominal)}${loans}${canBorrow ? ` = ${amountText(resource, most)}` : ""}.`;
    return [{ path: demand.pods > 1 ? demand.paths.pods : demand.path, message }];
  });
}

/** Whose a stack's workloads are. Paths start at the stack. */
export function validateTeam(
  { team, namespace, namesPools }: { readonly team?: string; readonly namespace: string; readonly namesPools: boolean },
  scheduling: SchedulingSpec | undefined,
): Problem[] {
  const path = "platform.team";
  const teams = scheduling?.teams ?? [];
  const known = teams.map(({ name }) => name).join(", ");
  if (team === undefined) {
    return namesPools && teams.length > 0
      ? [{ path, message: `is required where a model names a pool that teams have quotas of: one of ${known}.` }]
      : [];
  }
  const found = teams.find(({ name }) => name === team);
  if (found === undefined) {
    const message =
      teams.length === 0 ? "must be left out: there are no teams." : `must be one of the teams: ${known}.`;
    return [{ path, message, value: team }];
  }
  if (namespaceOf(found) !== namespace) {
    const message = `must be the namespace of team ${team}, where its quotas hold: ${namespaceOf(found)}.`;
    return [{ path: "platform.namespace", message, value: namespace }];
  }
  return [];
}
