import type { InstanceTypeName } from "./instance-types.ts";

/** Regions of AWS with at least one price in the table. */
export type Region =
  | "us-east-1"
  | "us-east-2"
  | "us-west-1"
  | "us-west-2"
  | "eu-west-1"
  | "eu-west-2"
  | "eu-central-1"
  | "eu-north-1"
  | "ap-northeast-1"
  | "ap-south-1";

interface PriceSource {
  /** Where the prices of the region were read. */
  readonly source: string;
  /** When, as yyyy-mm-dd. */
  readonly readOn: string;
}

/** Karpenter's start-up prices, which its own program wrote from AWS's price list on 2026-07-20. */
const KARPENTER: PriceSource = {
  source: "github.com/aws/karpenter-provider-aws v1.15.1, pkg/providers/pricing/zz_generated.pricing_aws.go",
  readOn: "2026-11-25",
};
/** SkyPilot's catalogue, which its own program writes from AWS's price list; only the types below were looked up. */
const SKYPILOT: PriceSource = {
  source: "skypilot-org/skypilot-catalog 00148f2, catalogs/v8/aws/vms.csv",
  readOn: "2026-11-25",
};

/** Where each region's prices were read, and when. Prices change: these are for estimates and for comparing, not for bills. */
export const PRICES_READ: { readonly [R in Region]: PriceSource } = {
  "us-east-1": KARPENTER,
  "us-east-2": SKYPILOT,
  "us-west-1": SKYPILOT,
  "us-west-2": SKYPILOT,
  "eu-west-1": SKYPILOT,
  "eu-west-2": SKYPILOT,
  "eu-central-1": SKYPILOT,
  "eu-north-1": SKYPILOT,
  "ap-northeast-1": SKYPILOT,
  "ap-south-1": SKYPILOT,
};

/** US dollars an hour for one machine with Linux, on demand. A type that is missing under a region was not looked up there. */
export const PRICES_USD_PER_HOUR: { readonly [R in Region]: { readonly [N in InstanceTypeName]?: number } } = {
  "us-east-1": {
    "g4dn.xlarge": 0.526,
    "g4dn.2xlarge": 0.752,
    "g4dn.4xlarge": 1.204,
    "g4dn.8xlarge": 2.176,
    "g4dn.12xlarge": 3.912,
    "g4dn.16xlarge": 4.352,
    "g4dn.metal": 7.824,
    "g5.xlarge": 1.006,
    "g5.2xlarge": 1.212,
    "g5.4xlarge": 1.624,
    "g5.8xlarge": 2.448,
    "g5.12xlarge": 5.672,
    "g5.16xlarge": 4.096,
    "g5.24xlarge": 8.144,
    "g5.48xlarge": 16.288,
    "g6.xlarge": 0.8048,
    "g6.2xlarge": 0.9776,
    "g6.4xlarge": 1.3232,
    "g6.8xlarge": 2.0144,
    "g6.12xlarge": 4.6016,
    "g6.16xlarge": 3.3968,
    "g6.24xlarge": 6.6752,
    "g6.48xlarge": 13.3504,
    "g6e.xlarge": 1.861,
    "g6e.2xlarge": 2.24208,
    "g6e.4xlarge": 3.00424,
    "g6e.8xlarge": 4.52856,
    "g6e.12xlarge": 10.49264,
    "g6e.16xlarge": 7.57719,
    "g6e.24xlarge": 15.06559,
    "g6e.48xlarge": 30.13118,
    "g7.2xlarge": 2.52,
    "g7.4xlarge": 3.04208,
    "g7.8xlarge": 4.08624,
    "g7.12xlarge": 7.12832,
    "g7.24xlarge": 14.25664,
    "g7.48xlarge": 28.51328,
    "g7e.2xlarge": 3.36312,
    "g7e.4xlarge": 3.99816,
    "g7e.8xlarge": 5.26824,
    "g7e.12xlarge": 8.28608,
    "g7e.24xlarge": 16.57216,
    "g7e.48xlarge": 33.14432,
    "p4d.24xlarge": 21.957642,
    "p4de.24xlarge": 27.44705,
    "p5.4xlarge": 6.88,
    "p5.48xlarge": 55.04,
    "p5en.48xlarge": 63.296,
    "p6-b200.48xlarge": 113.9328,
    "p6-b300.48xlarge": 142.416,
    "trn1.2xlarge": 1.34375,
    "trn1.32xlarge": 21.5,
    "trn1n.32xlarge": 24.78,
    "inf2.xlarge": 0.7582,
    "inf2.8xlarge": 1.96786,
    "inf2.24xlarge": 6.49063,
    "inf2.48xlarge": 12.98127,
    "m7i.large": 0.1008,
    "m7i.xlarge": 0.2016,
    "m7i.2xlarge": 0.4032,
    "m7i.4xlarge": 0.8064,
    "m7i.8xlarge": 1.6128,
    "m7g.large": 0.0816,
    "m7g.xlarge": 0.1632,
    "m7g.2xlarge": 0.3264,
    "m7g.4xlarge": 0.6528,
    "m7g.8xlarge": 1.3056,
    "c7i.large": 0.08925,
    "c7i.xlarge": 0.1785,
    "c7i.2xlarge": 0.357,
    "c7i.4xlarge": 0.714,
    "c7i.8xlarge": 1.428,
    "r7i.large": 0.1323,
    "r7i.xlarge": 0.2646,
    "r7i.2xlarge": 0.5292,
    "r7i.4xlarge": 1.0584,
    "r7i.8xlarge": 2.1168,
  },
  "us-east-2": {
    "g5.xlarge": 1.006,
    "g5.8xlarge": 2.448,
    "g6.xlarge": 0.8048,
    "g6e.xlarge": 1.861,
    "g6e.4xlarge": 3.00424,
    "g6e.8xlarge": 4.52856,
    "g6e.12xlarge": 10.49264,
    "p4d.24xlarge": 21.95764,
    "p5.48xlarge": 55.04,
    "p5en.48xlarge": 63.296,
    "p6-b200.48xlarge": 113.9328,
    "trn1.2xlarge": 1.34375,
    "trn1.32xlarge": 21.5,
    "trn1n.32xlarge": 24.78,
  },
  "us-west-1": {
    "p5.48xlarge": 68.8,
    "p5en.48xlarge": 79.12,
  },
  "us-west-2": {
    "g5.xlarge": 1.006,
    "g5.8xlarge": 2.448,
    "g6.xlarge": 0.8048,
    "g6e.xlarge": 1.861,
    "g6e.4xlarge": 3.00424,
    "g6e.8xlarge": 4.52856,
    "g6e.12xlarge": 10.49264,
    "p4d.24xlarge": 21.95764,
    "p4de.24xlarge": 27.44705,
    "p5.4xlarge": 6.88,
    "p5.48xlarge": 55.04,
    "p5en.48xlarge": 63.296,
    "p6-b200.48xlarge": 113.9328,
    "p6-b300.48xlarge": 142.416,
    "trn1.2xlarge": 1.34375,
    "trn1.32xlarge": 21.5,
    "trn1n.32xlarge": 24.78,
  },
  "eu-west-1": {
    "g5.xlarge": 1.123,
    "p4d.24xlarge": 23.71569,
  },
  "eu-west-2": {
    "g5.xlarge": 1.277,
    "g6.xlarge": 1.0216,
    "p4d.24xlarge": 28.54493,
    "p5.4xlarge": 8.944,
    "p5.48xlarge": 71.552,
  },
  "eu-central-1": {
    "g5.xlarge": 1.258,
    "g6.xlarge": 1.0064,
    "g6e.xlarge": 2.327,
    "g6e.8xlarge": 5.66252,
    "g6e.12xlarge": 13.12002,
    "p4d.24xlarge": 27.43298,
    "p4de.24xlarge": 34.29122,
  },
  "eu-north-1": {
    "g5.xlarge": 1.067,
    "g6.xlarge": 0.8536,
    "g6e.xlarge": 1.974,
    "g6e.4xlarge": 3.18666,
    "g6e.8xlarge": 4.80353,
    "g6e.12xlarge": 11.12975,
    "p4d.24xlarge": 23.71569,
    "p5.48xlarge": 58.8928,
    "p5en.48xlarge": 67.72672,
  },
  "ap-northeast-1": {
    "g4dn.12xlarge": 5.281,
    "g5.xlarge": 1.459,
    "g6e.xlarge": 2.699,
    "g6e.8xlarge": 6.56775,
    "g6e.12xlarge": 15.21742,
    "g6e.16xlarge": 10.98917,
    "p4de.24xlarge": 37.6223,
    "p5.4xlarge": 8.6,
    "p5.48xlarge": 68.8,
    "p5en.48xlarge": 79.12,
  },
  "ap-south-1": {
    "g4dn.12xlarge": 4.306,
    "g5.xlarge": 1.208,
    "g6.xlarge": 0.9664,
    "p4d.24xlarge": 26.3444,
    "p5.4xlarge": 8.256,
    "p5.48xlarge": 66.048,
    "p5en.48xlarge": 75.9552,
  },
};
