import { poolsOf } from "../components/compute/scheduling/pools.ts";
import { added, mebibytesOf, milliOf } from "../components/compute/scheduling/supply.ts";
import {
  type Demand,
  type DemandContext,
  type Pools,
  validateDemand,
  validateScheduling,
  validateTeam,
  validateTeamQuota,
} from "../components/compute/scheduling/validate.ts";
import type { Problem } from "../components/core/problem.ts";
import { RECORDER_RESOURCES } from "../components/training/defaults.ts";
import { endpointSchema } from "./endpoints.ts";
import { memberOf } from "./json-schema.ts";
import { poolSchema } from "./pools.ts";
import { type SchedulingSpec, schedulingSchema } from "./scheduling.ts";
import {
  compressionStepSchema,
  type LlmStep,
  type Resources,
  scalingSchema,
  searchSchema,
  trainingSchema,
  type WorkResources,
  workResourcesSchema,
} from "./schema.ts";

/**
 * What pools, quotas and the workloads that name them say of each other. Paths start at the stack.
 *
 * @param platform the stack that has the pools and the quotas, where that is another one (`platform.cluster.kind: platform`).
 * Without it what a stack of models says of pools that are elsewhere is not judged.
 */
export function schedulingProblems(raw: unknown, platform?: unknown): Problem[] {
  return [...deviceProblems(raw), ...ownedProblems(raw, platform)];
}

function ownedProblems(raw: unknown, platform: unknown): Problem[] {
  const isElsewhere = ["platform", "cluster", "kind"].reduce(memberOf, raw) === "platform";
  const owner = isElsewhere ? platform : raw;
  const pools = poolsIn(owner);
  if (owner === undefined || pools === undefined) {
    return [];
  }
  const written = memberOf(owner, "scheduling");
  const parsed = schedulingSchema.safeParse(written);
  if (written !== undefined && !parsed.success) {
    return [];
  }
  const scheduling = parsed.data;
  const team = ["platform", "team"].reduce(memberOf, raw);
  const demands = demandsOf(raw);
  const context: DemandContext = {
    pools,
    ...(scheduling === undefined ? {} : { scheduling }),
    ...(typeof team === "string" ? { team } : {}),
  };
  return [
    ...(scheduling === undefined || isElsewhere ? [] : validateScheduling(scheduling, pools)),
    ...teamProblems(raw, team, demands.length > 0 || endpointsOf(raw).length > 0, scheduling),
    ...demands.flatMap((demand) => validateDemand(demand, context)),
    ...endpointsOf(raw).flatMap((endpoint) => endpointQuotaProblems(endpoint, context)),
  ];
}

/** Undefined where a pool is not valid by itself: then nothing that refers to pools can be judged. */
function poolsIn(raw: unknown): Pools | undefined {
  const pools = memberOf(raw, "pools") ?? [];
  if (!Array.isArray(pools)) {
    return undefined;
  }
  const parsed = pools.map((pool: unknown) => poolSchema.safeParse(pool));
  return parsed.every(({ success }) => success)
    ? poolsOf(parsed.flatMap(({ data }) => (data === undefined ? [] : [data])))
    : undefined;
}

function teamProblems(
  raw: unknown,
  team: unknown,
  namesPools: boolean,
  scheduling: SchedulingSpec | undefined,
): Problem[] {
  if (team !== undefined && typeof team !== "string") {
    return [];
  }
  const namespace = ["platform", "namespace"].reduce(memberOf, raw) ?? "millwright";
  return typeof namespace === "string"
    ? validateTeam({ ...(team === undefined ? {} : { team }), namespace, namesPools }, scheduling)
    : [];
}

/**
 * Devices that nobody would use, and names of devices without a number of them. Servers are judged in serving-rules.ts. The
 * trainer has Debian's PyTorch, which computes on CPUs; what a model names as its workload may use GPUs.
 */
function deviceProblems(raw: unknown): Problem[] {
  const models = memberOf(raw, "models");
  return (Array.isArray(models) ? models : []).flatMap((model: unknown, index) =>
    (["training", "search", "compression"] as const).flatMap((part): Problem[] => {
      const { gpu, gpuResource } = resourcesOf(model, part) ?? {};
      const path = `models[${index}].${part}.resources.gpu`;
      if (gpu !== undefined && !canUseDevices(model, part)) {
        const message =
          part === "search"
            ? "must be left out: trials are the trainer's, which computes on CPUs."
            : "must be left out with the trainer, which computes on CPUs; an image named under workload may use GPUs.";
        return [{ path, message, value: gpu }];
      }
      const counts = part === "compression" && candidatesOf(model).some((each) => llmStep(each) !== undefined);
      if (gpuResource !== undefined && gpu === undefined && !counts) {
        const message = "is required where gpuResource says what a GPU is called: a whole number from 1 to 16.";
        return [{ path, message }];
      }
      return [];
    }),
  );
}

function canUseDevices(model: unknown, part: "training" | "search" | "compression"): boolean {
  const workload = memberOf(model, "workload");
  switch (part) {
    case "training":
      return workload !== undefined;
    case "search":
      return false;
    case "compression":
      return memberOf(workload, "compresses") === true;
  }
}

/** What the stack's models ask of pools, of all parts that name one. */
function demandsOf(raw: unknown): Demand[] {
  const models = memberOf(raw, "models");
  return Array.isArray(models)
    ? models.flatMap((model: unknown, index) => {
        const at = `models[${index}]`;
        return [
          ...trainingDemand(model, at),
          ...searchDemand(model, at),
          ...compressionDemand(model, at),
          ...servingDemand(model, at),
        ];
      })
    : [];
}

function trainingDemand(model: unknown, at: string): Demand[] {
  const workers = trainingSchema.shape.workers.safeParse(["training", "workers"].reduce(memberOf, model));
  return workers.success ? runDemand(model, `${at}.training`, "training", workers.data, true) : [];
}

/** As many workers at a time as it says; each is of use by itself. */
function searchDemand(model: unknown, at: string): Demand[] {
  const workers = searchSchema.shape.workers.safeParse(["search", "workers"].reduce(memberOf, model));
  return workers.success ? runDemand(model, `${at}.search`, "search", workers.data, false) : [];
}

/** Candidates are made at the same time. Those of a language model say themselves how many devices they want. */
function compressionDemand(model: unknown, at: string): Demand[] {
  const resources = resourcesOf(model, "compression");
  if (resources === undefined) {
    return [];
  }
  const path = `${at}.compression`;
  const pods = `${path}.candidates`;
  const pool = `${path}.resources.pool`;
  return candidatesOf(model).flatMap((candidate, index) => {
    const llm = llmStep(candidate);
    if (llm === undefined) {
      return demandOf(resources, { path: `${path}.resources`, pods }, 1, false, [RECORDER_RESOURCES]);
    }
    const { gpu, gpuResource = resources.gpuResource } = llm.step;
    const place = `${pods}[${index}].steps[${llm.index}]`;
    return demandOf({ ...resources, gpu, gpuResource }, { path: place, pods, pool }, 1, false, [RECORDER_RESOURCES]);
  });
}

function candidatesOf(model: unknown): unknown[] {
  const candidates = ["compression", "candidates"].reduce(memberOf, model);
  return Array.isArray(candidates) ? candidates : [];
}

/** What llm-compressor is to do for a candidate, and which of its steps that is. */
function llmStep(candidate: unknown): { readonly step: LlmStep; readonly index: number } | undefined {
  const steps = memberOf(candidate, "steps");
  const parsed = (Array.isArray(steps) ? steps : []).map((each: unknown) => compressionStepSchema.safeParse(each).data);
  const index = parsed.findIndex((step) => step?.kind === "llm");
  const step = parsed[index];
  return step?.kind === "llm" ? { step, index } : undefined;
}

/** As many servers of one version as there may be. */
function servingDemand(model: unknown, at: string): Demand[] {
  const scaling = scalingSchema.safeParse(["serving", "scaling"].reduce(memberOf, model));
  const resources = resourcesOf(model, "serving");
  if (!scaling.success || resources === undefined) {
    return [];
  }
  const isFixed = scaling.data.kind === "fixed";
  const servers = scaling.data.kind === "fixed" ? scaling.data.replicas : scaling.data.max;
  const pods = `${at}.serving.scaling.${isFixed ? "replicas" : "max"}`;
  return demandOf(resources, { path: `${at}.serving.resources`, pods }, servers, false, []);
}

function runDemand(model: unknown, path: string, part: "training" | "search", workers: number, isGroup: boolean) {
  const resources = resourcesOf(model, part);
  return resources === undefined
    ? []
    : demandOf(resources, { path: `${path}.resources`, pods: `${path}.workers` }, workers, isGroup, [
        RECORDER_RESOURCES,
      ]);
}

/** The resources of a part, where they are valid by themselves; those a part has by default name no pool. */
function resourcesOf(model: unknown, part: string): WorkResources | undefined {
  return workResourcesSchema.safeParse([part, "resources"].reduce(memberOf, model)).data;
}

function demandOf(
  { pool, gpu = 0, gpuResource, cpu, memoryGiB }: WorkResources,
  { path, pods: podsPath, pool: poolPath = `${path}.pool` }: { path: string; pods: string; pool?: string },
  pods: number,
  isGroup: boolean,
  helpers: readonly Resources[],
): Demand[] {
  if (pool === undefined) {
    return [];
  }
  const amounts = [{ cpu, memoryGiB }, ...helpers].map((each) => ({
    cpu: milliOf(each.cpu),
    memory: mebibytesOf(each.memoryGiB),
  }));
  return [
    {
      path,
      paths: { pool: poolPath, pods: podsPath, devices: `${path}.gpu` },
      pool,
      pods,
      isGroup,
      amounts: added(...amounts),
      devices: gpu,
      ...(gpuResource === undefined ? {} : { device: gpuResource }),
    },
  ];
}

interface Endpoint {
  readonly path: string;
  readonly pool: string;
  readonly tensor: number;
  readonly pipeline: number;
}

function endpointsOf(raw: unknown): Endpoint[] {
  const endpoints = memberOf(raw, "endpoints");
  return (Array.isArray(endpoints) ? endpoints : []).flatMap((endpoint: unknown, index) => {
    const read = endpointSchema.pick({ pool: true, parallelism: true }).strip().safeParse(endpoint);
    return read.success ? [{ path: `endpoints[${index}]`, pool: read.data.pool, ...read.data.parallelism }] : [];
  });
}

/** One replica, whole, is within the team's quota. That it fits the pool and its devices' memory is endpoint-rules'. */
function endpointQuotaProblems({ path, pool, tensor, pipeline }: Endpoint, context: DemandContext): Problem[] {
  const { pools, scheduling, team } = context;
  const device = pools.supplies.find((supply) => supply.pool === pool)?.device;
  if (scheduling === undefined || device === undefined) {
    return [];
  }
  const paths = {
    pool: `${path}.pool`,
    pods: `${path}.parallelism.pipeline`,
    devices: `${path}.parallelism.tensor`,
  };
  const demand = { path: paths.devices, paths, pool, pods: pipeline };
  return validateTeamQuota(demand, { [device]: tensor }, { pools, scheduling, team });
}
