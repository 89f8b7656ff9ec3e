import { ACCELERATORS, type Accelerator, type AcceleratorName } from "./accelerators.ts";
import { PRICES_USD_PER_HOUR, type Region } from "./prices.ts";

/** How an instance can be had: at any time, on what is left over, kept for us, or for a block of days bought beforehand. */
export type CapacityKind = "onDemand" | "spot" | "reserved" | "capacityBlock";

export interface InstanceType {
  /** What stands before the dot, such as `g6e`. */
  readonly family: Family;
  /** @default a machine without accelerators */
  readonly accelerator?: { readonly name: AcceleratorName; readonly count: number };
  readonly vcpus: number;
  /** Of the machine; a node offers pods less, by Karpenter's page 92 % of p5.48xlarge and 88 % of g5.12xlarge. */
  readonly memoryMiB: number;
  /** As Kubernetes' label `kubernetes.io/arch` has it. */
  readonly architecture: "amd64" | "arm64";
  /** What the network gives for as long as it is asked: bursts of the small sizes are not counted. All cards together. */
  readonly networkGbps: number;
  /** How many `vpc.amazonaws.com/efa` a node with all of them has; 0 where the type has no EFA. */
  readonly efaInterfaces: number;
  /** Cards that interfaces are spread over. The first carries the node's own address, and on p6-b300 that is all it does. */
  readonly networkCards: number;
  /** Local disks together, in 10^9 bytes; 0 where it has none. */
  readonly nvmeGB: number;
  /**
   * The ways it is sold. A type without `onDemand` has no public price by the hour.
   * Capacity blocks are sold in some regions and zones only, which this table does not say.
   */
  readonly capacity: readonly CapacityKind[];
  /** Linux, on demand, by region: see {@link priceOf}. */
  readonly pricesUsdPerHour: { readonly [R in Region]?: number };
  /** Where what is said here was read; prices have their own, in prices.ts. */
  readonly source: string;
  /** When, as yyyy-mm-dd. */
  readonly readOn: string;
}

/** Of {@link InstanceType}, what differs between the sizes of a family. */
type Size = readonly [
  devices: number,
  vcpus: number,
  memoryGiB: number,
  networkGbps: number,
  efaInterfaces: number,
  networkCards: number,
  nvmeGB: number,
];

// biome-ignore format: a table is read by its columns
const SIZES = {
  // devices, vCPUs, memory GiB, network Gbps, EFA interfaces, network cards, NVMe GB
  "g4dn.xlarge": [1, 4, 16, 5, 0, 1, 125],
  "g4dn.2xlarge": [1, 8, 32, 10, 0, 1, 225],
  "g4dn.4xlarge": [1, 16, 64, 20, 0, 1, 225],
  "g4dn.8xlarge": [1, 32, 128, 50, 1, 1, 900],
  "g4dn.12xlarge": [4, 48, 192, 50, 1, 1, 900],
  "g4dn.16xlarge": [1, 64, 256, 50, 1, 1, 900],
  "g4dn.metal": [8, 96, 384, 100, 1, 1, 1800],
  "g5.xlarge": [1, 4, 16, 2.5, 0, 1, 250],
  "g5.2xlarge": [1, 8, 32, 5, 0, 1, 450],
  "g5.4xlarge": [1, 16, 64, 10, 0, 1, 600],
  "g5.8xlarge": [1, 32, 128, 25, 1, 1, 900],
  "g5.12xlarge": [4, 48, 192, 40, 1, 1, 3800],
  "g5.16xlarge": [1, 64, 256, 25, 1, 1, 1900],
  "g5.24xlarge": [4, 96, 384, 50, 1, 1, 3800],
  "g5.48xlarge": [8, 192, 768, 100, 1, 1, 7600],
  "g6.xlarge": [1, 4, 16, 2.5, 0, 1, 250],
  "g6.2xlarge": [1, 8, 32, 5, 0, 1, 450],
  "g6.4xlarge": [1, 16, 64, 10, 0, 1, 600],
  "g6.8xlarge": [1, 32, 128, 25, 1, 1, 900],
  "g6.12xlarge": [4, 48, 192, 40, 1, 1, 3760],
  "g6.16xlarge": [1, 64, 256, 25, 1, 1, 1880],
  "g6.24xlarge": [4, 96, 384, 50, 1, 1, 3760],
  "g6.48xlarge": [8, 192, 768, 100, 1, 1, 7520],
  "g6e.xlarge": [1, 4, 32, 2.5, 0, 1, 250],
  "g6e.2xlarge": [1, 8, 64, 5, 0, 1, 450],
  "g6e.4xlarge": [1, 16, 128, 20, 0, 1, 600],
  "g6e.8xlarge": [1, 32, 256, 25, 1, 1, 900],
  "g6e.12xlarge": [4, 48, 384, 100, 1, 1, 3800],
  "g6e.16xlarge": [1, 64, 512, 35, 1, 1, 1900],
  "g6e.24xlarge": [4, 96, 768, 200, 2, 2, 3800],
  "g6e.48xlarge": [8, 192, 1536, 400, 4, 4, 7600],
  "g7.2xlarge": [1, 8, 32, 40, 0, 1, 440],
  "g7.4xlarge": [1, 16, 64, 80, 0, 1, 875],
  "g7.8xlarge": [1, 32, 128, 100, 1, 1, 930],
  "g7.12xlarge": [2, 48, 192, 175, 1, 1, 1900],
  "g7.24xlarge": [4, 96, 384, 350, 1, 1, 3800],
  "g7.48xlarge": [8, 192, 768, 700, 2, 2, 7600],
  "g7e.2xlarge": [1, 8, 64, 50, 0, 1, 1900],
  "g7e.4xlarge": [1, 16, 128, 50, 0, 1, 1900],
  "g7e.8xlarge": [1, 32, 256, 100, 1, 1, 1900],
  "g7e.12xlarge": [2, 48, 512, 400, 1, 1, 3800],
  "g7e.24xlarge": [4, 96, 1024, 800, 2, 2, 7600],
  "g7e.48xlarge": [8, 192, 2048, 1600, 4, 4, 15_200],
  "p4d.24xlarge": [8, 96, 1152, 400, 4, 4, 8000],
  "p4de.24xlarge": [8, 96, 1152, 400, 4, 4, 8000],
  "p5.4xlarge": [1, 16, 256, 100, 1, 1, 3800],
  "p5.48xlarge": [8, 192, 2048, 3200, 32, 32, 30_400],
  "p5e.48xlarge": [8, 192, 2048, 3200, 32, 32, 30_400],
  "p5en.48xlarge": [8, 192, 2048, 3200, 16, 16, 30_400],
  "p6-b200.48xlarge": [8, 192, 2048, 3200, 8, 8, 30_400],
  "p6-b300.48xlarge": [8, 192, 4096, 6400, 16, 17, 30_400],
  "p6e-gb200.36xlarge": [4, 144, 960, 1600, 4, 17, 22_500],
  "trn1.2xlarge": [1, 8, 32, 3.125, 0, 1, 474],
  "trn1.32xlarge": [16, 128, 512, 800, 8, 8, 7600],
  "trn1n.32xlarge": [16, 128, 512, 1600, 16, 16, 7600],
  "trn2.48xlarge": [16, 192, 2048, 3200, 16, 16, 7600],
  "inf2.xlarge": [1, 4, 16, 2.083, 0, 1, 0],
  "inf2.8xlarge": [1, 32, 128, 16.667, 0, 1, 0],
  "inf2.24xlarge": [6, 96, 384, 50, 0, 1, 0],
  "inf2.48xlarge": [12, 192, 768, 100, 0, 1, 0],
  "m7i.large": [0, 2, 8, 0.781, 0, 1, 0],
  "m7i.xlarge": [0, 4, 16, 1.562, 0, 1, 0],
  "m7i.2xlarge": [0, 8, 32, 3.125, 0, 1, 0],
  "m7i.4xlarge": [0, 16, 64, 6.25, 0, 1, 0],
  "m7i.8xlarge": [0, 32, 128, 12.5, 0, 1, 0],
  "m7g.large": [0, 2, 8, 0.937, 0, 1, 0],
  "m7g.xlarge": [0, 4, 16, 1.876, 0, 1, 0],
  "m7g.2xlarge": [0, 8, 32, 3.75, 0, 1, 0],
  "m7g.4xlarge": [0, 16, 64, 7.5, 0, 1, 0],
  "m7g.8xlarge": [0, 32, 128, 15, 0, 1, 0],
  "c7i.large": [0, 2, 4, 0.781, 0, 1, 0],
  "c7i.xlarge": [0, 4, 8, 1.562, 0, 1, 0],
  "c7i.2xlarge": [0, 8, 16, 3.125, 0, 1, 0],
  "c7i.4xlarge": [0, 16, 32, 6.25, 0, 1, 0],
  "c7i.8xlarge": [0, 32, 64, 12.5, 0, 1, 0],
  "r7i.large": [0, 2, 16, 0.781, 0, 1, 0],
  "r7i.xlarge": [0, 4, 32, 1.562, 0, 1, 0],
  "r7i.2xlarge": [0, 8, 64, 3.125, 0, 1, 0],
  "r7i.4xlarge": [0, 16, 128, 6.25, 0, 1, 0],
  "r7i.8xlarge": [0, 32, 256, 12.5, 0, 1, 0],
} as const satisfies Readonly<Record<string, Size>>;

export type InstanceTypeName = keyof typeof SIZES;

type FamilyOf<N extends string> = N extends `${infer F}.${string}` ? F : never;
export type Family = FamilyOf<InstanceTypeName>;

/** What all sizes of a family share. */
type FamilyFacts = Pick<InstanceType, "architecture" | "capacity" | "source" | "readOn"> & {
  readonly accelerator?: AcceleratorName;
};

const ON_DEMAND_AND_SPOT = ["onDemand", "spot", "reserved"] as const;
const EVERY_WAY = ["onDemand", "spot", "reserved", "capacityBlock"] as const;

/**
 * Sizes, accelerators, EFA interfaces and NVMe: Karpenter's page of instance types, which its own program writes from AWS's API.
 * Bandwidth and network cards: the tables it carries in pkg/providers/instancetype, of 2026-08-06. Ways to be had: "Spot support"
 * of AWS's page of accelerated instance types, as others quote it, and AWS's API as Karpenter's tests have it. Capacity Blocks:
 * the instance types SageMaker's API lists for reserved capacity.
 */
const KARPENTER = {
  source:
    "https://karpenter.sh/docs/reference/instance-types/ (aws/karpenter-provider-aws 1d92708); github.com/aws/karpenter-provider-aws v1.15.1, pkg/providers/instancetype; https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html",
  readOn: "2026-11-25",
} as const;
const ON_AMD64 = { architecture: "amd64", ...KARPENTER } as const;

const FAMILIES: { readonly [F in Family]: FamilyFacts } = {
  g4dn: { accelerator: "t4", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  g5: { accelerator: "a10g", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  g6: { accelerator: "l4", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  g6e: { accelerator: "l40s", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  g7: { accelerator: "rtx-pro-4500", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  g7e: { accelerator: "rtx-pro-6000", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  p4d: { accelerator: "a100-40gb", capacity: EVERY_WAY, ...ON_AMD64 },
  p4de: { accelerator: "a100-80gb", capacity: EVERY_WAY, ...ON_AMD64 },
  p5: { accelerator: "h100", capacity: EVERY_WAY, ...ON_AMD64 },
  // No price list has it by the hour: a block, or what is left over.
  p5e: { accelerator: "h200", capacity: ["spot", "capacityBlock"], ...ON_AMD64 },
  p5en: { accelerator: "h200", capacity: EVERY_WAY, ...ON_AMD64 },
  "p6-b200": { accelerator: "b200", capacity: EVERY_WAY, ...ON_AMD64 },
  "p6-b300": { accelerator: "b300", capacity: EVERY_WAY, ...ON_AMD64 },
  // One of the 18 machines of an UltraServer (405 TB of NVMe and 28.8 Tbps of EFA together), which is sold whole. Its cards share
  // adapters: AWS has four EFA interfaces of 400 Gbps. AWS's API counts the cards and says 3,200 Gbps.
  "p6e-gb200": {
    accelerator: "gb200",
    architecture: "arm64",
    capacity: ["capacityBlock"],
    source:
      "AWS Machine Learning Blog, 2025-08: SageMaker HyperPod support for P6e-GB200 UltraServers (vCPUs and memory as others repeat AWS's figures); https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html",
    readOn: "2026-11-25",
  },
  trn1: { accelerator: "trainium1", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  trn1n: { accelerator: "trainium1", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  // The price lists read have it nowhere by the hour. Cards: github.com/aws/amazon-vpc-cni-k8s v1.23.2, pkg/vpc.
  trn2: { accelerator: "trainium2", capacity: ["spot", "capacityBlock"], ...ON_AMD64 },
  inf2: { accelerator: "inferentia2", capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  m7i: { capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  m7g: { capacity: ON_DEMAND_AND_SPOT, architecture: "arm64", ...KARPENTER },
  c7i: { capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
  r7i: { capacity: ON_DEMAND_AND_SPOT, ...ON_AMD64 },
};

/** Where one size can be had in a way its family cannot, or not. */
const CAPACITY: { readonly [N in InstanceTypeName]?: readonly CapacityKind[] } = {
  "trn1.32xlarge": EVERY_WAY,
};

function familyOf(name: InstanceTypeName): Family {
  return name.slice(0, name.indexOf(".")) as Family;
}

function instanceType(name: InstanceTypeName): InstanceType {
  const [devices, vcpus, memoryGiB, networkGbps, efaInterfaces, networkCards, nvmeGB]: Size = SIZES[name];
  const family = familyOf(name);
  const { accelerator, capacity, ...facts } = FAMILIES[family];
  return {
    family,
    ...(accelerator === undefined ? {} : { accelerator: { name: accelerator, count: devices } }),
    vcpus,
    memoryMiB: memoryGiB * 1024,
    networkGbps,
    efaInterfaces,
    networkCards,
    nvmeGB,
    capacity: CAPACITY[name] ?? capacity,
    pricesUsdPerHour: Object.fromEntries(
      Object.entries(PRICES_USD_PER_HOUR).flatMap(([region, prices]) => {
        const price = (prices as { readonly [N in InstanceTypeName]?: number })[name];
        return price === undefined ? [] : [[region, price]];
      }),
    ),
    ...facts,
  };
}

/** One row a type and size. g6f and its like are left out: their fractions of a device are not offered to pods. */
export const INSTANCE_TYPES = Object.fromEntries(
  (Object.keys(SIZES) as InstanceTypeName[]).map((name) => [name, instanceType(name)]),
) as { readonly [N in InstanceTypeName]: InstanceType };

/** Whether a string is the name of a type in the table. */
export function isInstanceTypeName(name: string): name is InstanceTypeName {
  return Object.hasOwn(INSTANCE_TYPES, name);
}

/** The accelerators of one machine of this type; undefined where it has none. */
export function devicesOf(
  name: InstanceTypeName,
): { readonly name: AcceleratorName; readonly count: number; readonly device: Accelerator } | undefined {
  const { accelerator } = INSTANCE_TYPES[name];
  return accelerator === undefined ? undefined : { ...accelerator, device: ACCELERATORS[accelerator.name] };
}

/** The types whose machines have this accelerator, the smallest number of devices first. */
export function instanceTypesWith(accelerator: AcceleratorName): InstanceTypeName[] {
  const count = (name: InstanceTypeName) => INSTANCE_TYPES[name].accelerator?.count ?? 0;
  return (Object.keys(INSTANCE_TYPES) as InstanceTypeName[])
    .filter((name) => INSTANCE_TYPES[name].accelerator?.name === accelerator)
    .sort((a, b) => count(a) - count(b));
}

/**
 * US dollars an hour for one machine with Linux, on demand, in a region; undefined where no price of it was read, which is not
 * to say that it is not sold there.
 */
export function priceOf(name: InstanceTypeName, region: Region): number | undefined {
  return INSTANCE_TYPES[name].pricesUsdPerHour[region];
}
