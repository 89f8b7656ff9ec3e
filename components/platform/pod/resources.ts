import type { Resources, WorkResources } from "../../../stacks/schema.ts";

/** Requests and limits of a container, in the form the API server stores them. */
export interface ResourceRequirements {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

/** CPU and memory, and devices by their resources' names. */
type Quantities = { readonly cpu: string; readonly memory: string } & Readonly<Record<string, string>>;

/** What NVIDIA's device plugin calls a GPU. */
export const GPU_RESOURCE = "nvidia.com/gpu";

const MEBIBYTES_PER_GIBIBYTE = 1024;

/**
 * Requests and limits on CPU and memory. Memory's limit is its request, so that a node never promises memory twice; CPU
 * may burst to `cpuLimit`, which defaults to the request. GPUs are a limit alone: the API server makes it the request,
 * and takes no other.
 *
 * @param device what a GPU is called where `resources` does not say it
 */
export function renderResources(
  resources: Resources | WorkResources,
  device: string = GPU_RESOURCE,
): ResourceRequirements {
  const { cpu, cpuLimit = cpu, memoryGiB } = resources;
  const memory = memoryQuantity(memoryGiB);
  const gpus = "gpu" in resources && resources.gpu !== undefined ? resources.gpu : 0;
  const resource = ("gpuResource" in resources ? resources.gpuResource : undefined) ?? device;
  return {
    requests: { cpu: cpuQuantity(cpu), memory },
    limits: { cpu: cpuQuantity(cpuLimit), memory, ...(gpus === 0 ? {} : { [resource]: String(gpus) }) },
  };
}

/**
 * Cores as a canonical quantity (`500m`, `2`), rounded up to a millicore. Canonical, because the API server stores that
 * form: any other would show as a difference for ever.
 */
export function cpuQuantity(cores: number): string {
  const millicores = Math.max(1, ceil(cores * 1000));
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}

/** GiB as a canonical quantity (`512Mi`, `2Gi`), rounded up to a MiB. */
export function memoryQuantity(gibibytes: number): string {
  const mebibytes = Math.max(1, ceil(gibibytes * MEBIBYTES_PER_GIBIBYTE));
  return mebibytes % MEBIBYTES_PER_GIBIBYTE === 0 ? `${mebibytes / MEBIBYTES_PER_GIBIBYTE}Gi` : `${mebibytes}Mi`;
}

/** Rounds up, but not for the last bits of a binary fraction: 1.1 * 1000 is 1100.0000000000002. */
function ceil(value: number): number {
  return Math.ceil(Number(value.toFixed(6)));
}
