import type { DataType } from "./formats.ts";

/** What makes a device's arithmetic what it is. */
export type Architecture =
  | "turing"
  | "ampere"
  | "ada"
  | "hopper"
  | "blackwell"
  | "blackwell-ultra"
  | "neuroncore-v2"
  | "neuroncore-v3";

export type AcceleratorName =
  | "t4"
  | "a10g"
  | "l4"
  | "l40s"
  | "a100-40gb"
  | "a100-80gb"
  | "h100"
  | "h200"
  | "b200"
  | "b300"
  | "gb200"
  | "rtx-pro-4500"
  | "rtx-pro-6000"
  | "trainium1"
  | "trainium2"
  | "inferentia2";

/** One way to cut a device into instances of Multi-Instance GPU. */
export interface MigProfile {
  /** How many instances of this profile one device holds, when it holds no other. */
  readonly count: number;
  /** Slices of the device's compute one instance takes: the number before the `g` of its name. */
  readonly computeSlices: number;
  /**
   * The most memory one instance has: its share of the device's, rounded down. The driver keeps some of it for itself (of the
   * 5,120 MiB of a `1g.5gb` it keeps 256).
   */
  readonly memoryMiB: number;
  /** What the MIG manager's own configuration calls a device that is cut into this profile alone. */
  readonly managerConfig: string;
}

/** How a device may be cut, in slices of compute and of memory; the compute slices of all instances are at most these. */
export interface Mig {
  /** 7 on the big devices, 4 on the RTX PRO 6000. */
  readonly computeSlices: number;
  /** By NVIDIA's names, such as `1g.10gb`. Profiles with media extensions are left out. */
  readonly profiles: Readonly<Record<string, MigProfile>>;
}

/** What is known of a kind of device, and where from. */
export interface Accelerator {
  readonly title: string;
  readonly vendor: "nvidia" | "aws";
  readonly architecture: Architecture;
  /** What the vendor's device plugin calls one device among a node's resources. */
  readonly resource: "nvidia.com/gpu" | "aws.amazon.com/neuron";
  /** What Karpenter's label `instance-gpu-name`, or `instance-accelerator-name`, says of it. */
  readonly karpenterName: string;
  /** What the vendor says one device has. */
  readonly nominalMemoryMiB: number;
  /**
   * What a workload can plan with on one device: what the driver shows in all where that is less than the nominal figure, and
   * the nominal figure elsewhere. Servers take a fraction of it.
   */
  readonly memoryMiB: number;
  /** The formats its hardware multiplies. Weights may be stored in more: see {@link servesWeightsIn}. */
  readonly formats: readonly DataType[];
  /** @default the device cannot be cut */
  readonly mig?: Mig;
  /** Whether its device plugin can offer one device to several pods, one after the other and with no wall between them. */
  readonly timeSlicing: boolean;
  /** Where what is said here was read. */
  readonly source: string;
  /** When, as yyyy-mm-dd. */
  readonly readOn: string;
}

/**
 * What each architecture multiplies in hardware. INT4 went with Hopper; FP8 came with Ada, the formats of 4 bits with Blackwell.
 *
 * Read on 2026-11-25: nvidia.github.io/TransformerEngine/support_matrix.html (BF16, FP8, NVFP4 by compute capability),
 * docs.nvidia.com/deeplearning/tensorrt-rtx, "Support Matrix" (Turing without BF16), docs.redhat.com "Supported AI accelerator
 * model quantization formats" (INT8, FP8, NVFP4), awsdocs-neuron.readthedocs-hosted.com: "Trainium Architecture",
 * "Inferentia2 Architecture" and "Trainium2 Architecture" (whose list has no INT8). NVIDIA's data sheets: INT4 and TF32.
 */
const FORMATS: { readonly [A in Architecture]: readonly DataType[] } = {
  turing: ["fp32", "fp16", "int8", "int4"],
  ampere: ["fp32", "tf32", "bf16", "fp16", "int8", "int4"],
  ada: ["fp32", "tf32", "bf16", "fp16", "fp8", "int8", "int4"],
  hopper: ["fp32", "tf32", "bf16", "fp16", "fp8", "int8"],
  blackwell: ["fp32", "tf32", "bf16", "fp16", "fp8", "int8", "nvfp4", "mxfp4"],
  "blackwell-ultra": ["fp32", "tf32", "bf16", "fp16", "fp8", "int8", "nvfp4", "mxfp4"],
  "neuroncore-v2": ["fp32", "tf32", "bf16", "fp16", "fp8", "int8"],
  "neuroncore-v3": ["fp32", "tf32", "bf16", "fp16", "fp8"],
};

/** Memory is as AWS's API describes it; Karpenter writes it down for every instance type. */
const AWS = {
  source: "https://karpenter.sh/docs/reference/instance-types/ (aws/karpenter-provider-aws 1d92708)",
  readOn: "2026-11-25",
} as const;
/** As {@link AWS}, and the MIG manager's configuration for the profiles. */
const AWS_AND_MIG = {
  source: `${AWS.source}; https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html; NVIDIA/mig-parted bd7160f, deployments/systemd/config-default.yaml`,
  readOn: "2026-11-25",
} as const;
/** And what `nvidia-smi` shows of the device in all, as public transcripts of it have it. */
const andDriver = (read: { readonly source: string; readonly readOn: string }) => ({
  ...read,
  source: `${read.source}; memoryMiB: nvidia-smi on the device`,
});
const NEURON = "https://awsdocs-neuron.readthedocs-hosted.com/en/latest/general/arch/neuron-hardware";

const NVIDIA = { vendor: "nvidia", resource: "nvidia.com/gpu", timeSlicing: true } as const;
const NEURON_DEVICE = { vendor: "aws", resource: "aws.amazon.com/neuron", timeSlicing: false } as const;

/** Of {@link MigProfile}: its count, and the slices of memory one instance has. */
type Cut = readonly [count: number, memorySlices: number];

/** Memory is cut into one slice more than compute on devices of 7 compute slices, and into as many on those of 4. */
function mig(memoryMiB: number, computeSlices: 4 | 7, cuts: Readonly<Record<`${number}g.${number}gb`, Cut>>): Mig {
  const memorySlices = computeSlices === 7 ? 8 : computeSlices;
  return {
    computeSlices,
    profiles: Object.fromEntries(
      Object.entries(cuts).map(([name, [count, slices]]) => [
        name,
        {
          count,
          computeSlices: Number.parseInt(name, 10),
          memoryMiB: Math.floor((memoryMiB * slices) / memorySlices),
          managerConfig: `all-${name}`,
        },
      ]),
    ),
  };
}

/** One row a kind of device. */
export const ACCELERATORS: { readonly [K in AcceleratorName]: Accelerator } = {
  t4: {
    title: "NVIDIA T4",
    ...NVIDIA,
    architecture: "turing",
    karpenterName: "t4",
    nominalMemoryMiB: 16_384,
    // With error correction on, as it is by default, a sixteenth of GDDR6 goes to it.
    memoryMiB: 15_360,
    formats: FORMATS.turing,
    ...andDriver(AWS),
  },
  a10g: {
    title: "NVIDIA A10G",
    ...NVIDIA,
    architecture: "ampere",
    karpenterName: "a10g",
    nominalMemoryMiB: 22_888,
    memoryMiB: 22_888,
    formats: FORMATS.ampere,
    ...AWS,
  },
  l4: {
    title: "NVIDIA L4",
    ...NVIDIA,
    architecture: "ada",
    karpenterName: "l4",
    nominalMemoryMiB: 22_888,
    memoryMiB: 22_888,
    formats: FORMATS.ada,
    ...AWS,
  },
  l40s: {
    title: "NVIDIA L40S",
    ...NVIDIA,
    architecture: "ada",
    karpenterName: "l40s",
    nominalMemoryMiB: 45_776,
    memoryMiB: 45_776,
    formats: FORMATS.ada,
    ...AWS,
  },
  "a100-40gb": {
    title: "NVIDIA A100 40 GB",
    ...NVIDIA,
    architecture: "ampere",
    karpenterName: "a100",
    nominalMemoryMiB: 40_960,
    memoryMiB: 40_960,
    formats: FORMATS.ampere,
    mig: mig(40_960, 7, {
      "1g.5gb": [7, 1],
      "1g.10gb": [4, 2],
      "2g.10gb": [3, 2],
      "3g.20gb": [2, 4],
      "4g.20gb": [1, 4],
      "7g.40gb": [1, 8],
    }),
    ...AWS_AND_MIG,
  },
  "a100-80gb": {
    title: "NVIDIA A100 80 GB",
    ...NVIDIA,
    architecture: "ampere",
    karpenterName: "a100",
    nominalMemoryMiB: 81_920,
    memoryMiB: 81_920,
    formats: FORMATS.ampere,
    mig: mig(81_920, 7, {
      "1g.10gb": [7, 1],
      "1g.20gb": [4, 2],
      "2g.20gb": [3, 2],
      "3g.40gb": [2, 4],
      "4g.40gb": [1, 4],
      "7g.80gb": [1, 8],
    }),
    ...AWS_AND_MIG,
  },
  h100: {
    title: "NVIDIA H100 80 GB",
    ...NVIDIA,
    architecture: "hopper",
    karpenterName: "h100",
    nominalMemoryMiB: 81_920,
    memoryMiB: 81_559,
    formats: FORMATS.hopper,
    mig: mig(81_559, 7, {
      "1g.10gb": [7, 1],
      "1g.20gb": [4, 2],
      "2g.20gb": [3, 2],
      "3g.40gb": [2, 4],
      "4g.40gb": [1, 4],
      "7g.80gb": [1, 8],
    }),
    ...andDriver(AWS_AND_MIG),
  },
  h200: {
    title: "NVIDIA H200 141 GB",
    ...NVIDIA,
    architecture: "hopper",
    karpenterName: "h200",
    nominalMemoryMiB: 144_384,
    memoryMiB: 143_771,
    formats: FORMATS.hopper,
    mig: mig(143_771, 7, {
      "1g.18gb": [7, 1],
      "1g.35gb": [4, 2],
      "2g.35gb": [3, 2],
      "3g.71gb": [2, 4],
      "4g.71gb": [1, 4],
      "7g.141gb": [1, 8],
    }),
    ...andDriver(AWS_AND_MIG),
  },
  b200: {
    title: "NVIDIA B200",
    ...NVIDIA,
    architecture: "blackwell",
    karpenterName: "b200",
    nominalMemoryMiB: 183_359,
    memoryMiB: 183_359,
    formats: FORMATS.blackwell,
    mig: mig(183_359, 7, {
      "1g.23gb": [7, 1],
      "1g.45gb": [4, 2],
      "2g.45gb": [3, 2],
      "3g.90gb": [2, 4],
      "4g.90gb": [1, 4],
      "7g.180gb": [1, 8],
    }),
    ...AWS_AND_MIG,
  },
  b300: {
    title: "NVIDIA B300",
    ...NVIDIA,
    architecture: "blackwell-ultra",
    karpenterName: "b300",
    nominalMemoryMiB: 275_040,
    memoryMiB: 275_040,
    formats: FORMATS["blackwell-ultra"],
    mig: mig(275_040, 7, {
      "1g.34gb": [7, 1],
      "1g.67gb": [4, 2],
      "2g.67gb": [3, 2],
      "3g.135gb": [2, 4],
      "4g.135gb": [1, 4],
      "7g.269gb": [1, 8],
    }),
    ...AWS_AND_MIG,
  },
  // On AWS only in UltraServers of 72, and not among what Karpenter knows: the name is ours until it does.
  gb200: {
    title: "NVIDIA GB200",
    ...NVIDIA,
    architecture: "blackwell",
    karpenterName: "gb200",
    nominalMemoryMiB: 189_471,
    memoryMiB: 189_471,
    formats: FORMATS.blackwell,
    mig: mig(189_471, 7, {
      "1g.23gb": [7, 1],
      "1g.47gb": [4, 2],
      "2g.47gb": [3, 2],
      "3g.93gb": [2, 4],
      "4g.93gb": [1, 4],
      "7g.186gb": [1, 8],
    }),
    source:
      "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-gpus.html (186 GB); NVIDIA/mig-parted bd7160f, deployments/systemd/config-default.yaml; nvidia-smi of driver 570 (189,471 MiB)",
    readOn: "2026-11-25",
  },
  // It can be cut, but the MIG manager's configuration has nothing for it yet.
  "rtx-pro-4500": {
    title: "NVIDIA RTX PRO 4500 Blackwell Server Edition",
    ...NVIDIA,
    architecture: "blackwell",
    karpenterName: "rtx-pro-4500",
    nominalMemoryMiB: 32_768,
    memoryMiB: 32_768,
    formats: FORMATS.blackwell,
    ...AWS,
  },
  "rtx-pro-6000": {
    title: "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    ...NVIDIA,
    architecture: "blackwell",
    karpenterName: "rtx-pro-server-6000",
    nominalMemoryMiB: 98_304,
    memoryMiB: 97_887,
    formats: FORMATS.blackwell,
    mig: mig(97_887, 4, { "1g.24gb": [4, 1], "2g.48gb": [2, 2], "4g.96gb": [1, 4] }),
    ...andDriver(AWS_AND_MIG),
  },
  trainium1: {
    title: "AWS Trainium",
    ...NEURON_DEVICE,
    architecture: "neuroncore-v2",
    karpenterName: "trainium",
    nominalMemoryMiB: 32_768,
    memoryMiB: 32_768,
    formats: FORMATS["neuroncore-v2"],
    source: `${NEURON}/trainium.html`,
    readOn: "2026-11-25",
  },
  trainium2: {
    title: "AWS Trainium2",
    ...NEURON_DEVICE,
    architecture: "neuroncore-v3",
    karpenterName: "trainium2",
    nominalMemoryMiB: 98_304,
    memoryMiB: 98_304,
    formats: FORMATS["neuroncore-v3"],
    // AWS's API says 524,288 MiB a device; 96 GiB is what Neuron's documentation has, and what AWS advertises.
    source: `${NEURON}/trainium2.html`,
    readOn: "2026-11-25",
  },
  inferentia2: {
    title: "AWS Inferentia2",
    ...NEURON_DEVICE,
    architecture: "neuroncore-v2",
    karpenterName: "inferentia2",
    nominalMemoryMiB: 32_768,
    memoryMiB: 32_768,
    formats: FORMATS["neuroncore-v2"],
    source: `${NEURON}/inferentia2.html`,
    readOn: "2026-11-25",
  },
};

/**
 * Architectures on which vLLM's Marlin kernels take weights in a format the hardware does not multiply, and multiply in 16 bits:
 * less memory, no more speed. docs.vllm.ai, "Supported Hardware" of quantization, read on 2026-11-25.
 */
const WEIGHTS_ONLY: { readonly [D in DataType]?: readonly Architecture[] } = {
  int4: ["turing", "ampere", "ada", "hopper", "blackwell", "blackwell-ultra"],
  fp8: ["turing", "ampere"],
};

/** Whether the device's hardware multiplies numbers of this format. */
export function hasFormat(accelerator: AcceleratorName, dataType: DataType): boolean {
  return ACCELERATORS[accelerator].formats.includes(dataType);
}

/**
 * Whether a model with weights in this format can be served on the device: its hardware multiplies the format, or its server
 * widens the weights to 16 bits as it goes (INT4 of W4A16 on every NVIDIA device here, FP8 on Turing and Ampere).
 */
export function servesWeightsIn(accelerator: AcceleratorName, dataType: DataType): boolean {
  const { architecture } = ACCELERATORS[accelerator];
  return hasFormat(accelerator, dataType) || (WEIGHTS_ONLY[dataType]?.includes(architecture) ?? false);
}

/** The devices whose hardware multiplies numbers of this format, in the order of the table. */
export function acceleratorsWith(dataType: DataType): AcceleratorName[] {
  return (Object.keys(ACCELERATORS) as AcceleratorName[]).filter((name) => hasFormat(name, dataType));
}

/** A profile of a device by NVIDIA's name, such as `1g.10gb`; undefined where the device has none of that name. */
export function migProfile(accelerator: AcceleratorName, profile: string): MigProfile | undefined {
  const profiles = ACCELERATORS[accelerator].mig?.profiles ?? {};
  return Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
}

/**
 * What the device plugin calls one instance of a profile where a node's devices are cut into several kinds (strategy `mixed`).
 * With `single`, an instance goes by the name of a whole device: {@link Accelerator.resource}.
 */
export function migResource(profile: string): string {
  return `nvidia.com/mig-${profile}`;
}
