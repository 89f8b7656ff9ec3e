import type { EksPoolCluster, PoolOf } from "../../../../components/compute/pools/types.ts";
import { type PoolSpec, poolSchema } from "../../../../stacks/pools.ts";

type Written = Readonly<Record<string, unknown>>;

/** A pool as a stack file has it, with its defaults. */
export function pool(written: Written): PoolSpec {
  return poolSchema.parse({ name: "training", size: { kind: "fixed", nodes: 4 }, ...written });
}

/** What an EKS cluster gives its pools. */
export const EKS = {
  kind: "eks",
  name: "millwright-test",
  region: "us-east-1",
  subnets: { "us-east-1b": "subnet-b", "us-east-1a": "subnet-a" },
  securityGroupIds: ["sg-cluster", "sg-efa"],
  nodeRole: { name: "node-role", arn: "arn:aws:iam::111122223333:role/node-role" },
  volumeKey: "arn:aws:kms:us-east-1:111122223333:key/k",
  tags: { "millwright.dev/stack": "test" },
} as const satisfies EksPoolCluster;

export const RESERVATION = "cr-0123456789abcdef0";

export const nodeGroup = (provisioning: Written = {}, rest: Written = {}) =>
  pool({
    provisioning: { kind: "nodeGroup", instanceTypes: ["p5.48xlarge"], ...provisioning },
    ...rest,
  }) as PoolOf<"nodeGroup">;

export const karpenter = (provisioning: Written = {}, rest: Written = {}) =>
  pool({
    name: "serving",
    provisioning: { kind: "karpenter", instanceTypes: ["g6e.xlarge", "g6e.2xlarge"], ...provisioning },
    size: { kind: "auto", max: 10 },
    ...rest,
  }) as PoolOf<"karpenter">;

export const existing = (rest: Written = {}) =>
  pool({
    name: "lab",
    provisioning: { kind: "existing", nodes: ["node-a", "node-b"] },
    machine: { cpu: 32, memoryGiB: 256, accelerator: "a100-40gb", accelerators: 4 },
    size: { kind: "fixed", nodes: 2 },
    ...rest,
  }) as PoolOf<"existing">;

export const simulated = (provisioning: Written = {}, rest: Written = {}) =>
  pool({
    name: "sim",
    provisioning: { kind: "simulated", instanceType: "p5.48xlarge", ...provisioning },
    ...rest,
  }) as PoolOf<"simulated">;
