import type { AddonContext, AddonStack, GuestStack } from "../../../../components/platform/addons/types.ts";
import { eksSchema } from "../../../../stacks/aws.ts";
import { type PoolSpec, poolSchema } from "../../../../stacks/pools.ts";
import { stackSchema } from "../../../../stacks/schema.ts";
import { endpointOf, H100_POOL, L40S_POOL, LARGE, SMALL } from "../../serving/language/fixtures.ts";

export const CONTEXT: AddonContext = {
  clusterName: "millwright-production",
  interruptionQueue: "millwright-production-interruptions",
  region: "us-east-2",
};

const CLUSTER = eksSchema.parse({
  kind: "eks",
  accountId: "123456789012",
  region: "us-east-2",
  zones: ["us-east-2a", "us-east-2b"],
});

/** A pool of machines without devices, which nobody has to provision. */
export const PLAIN_POOL: PoolSpec = poolSchema.parse({
  name: "general",
  provisioning: { kind: "nodeGroup", instanceTypes: ["m7i.xlarge"] },
  size: { kind: "fixed", nodes: 2 },
});

/** The same, as many as pods call for. */
export const SCALED_POOL: PoolSpec = { ...PLAIN_POOL, name: "batch", size: { kind: "auto", min: 0, max: 6 } };

export function stackOf(raw: {
  cluster?: object;
  platform?: object;
  pools?: PoolSpec[];
  scheduling?: object;
}): AddonStack {
  const { platform, pools, scheduling, endpoints } = stackSchema.parse({
    platform: { cluster: { ...CLUSTER, ...raw.cluster }, ...raw.platform },
    pools: raw.pools ?? [],
    ...(raw.scheduling === undefined ? {} : { scheduling: raw.scheduling }),
  });
  return { platform, pools, endpoints, ...(scheduling === undefined ? {} : { scheduling }) };
}

export const KUEUE = {
  queues: { kind: "kueue" },
  teams: [{ name: "research", quotas: [{ pool: "serving", accelerators: 4 }] }],
};

/** Everything that a cluster can be asked for. */
export const FULL_STACK: AddonStack = stackOf({
  cluster: { metrics: "inCluster" },
  pools: [
    L40S_POOL,
    H100_POOL,
    { ...L40S_POOL, name: "shared", devices: { kind: "timeSlicing", slices: 4 } },
    SCALED_POOL,
  ],
  scheduling: KUEUE,
});

export const GUEST: GuestStack = {
  models: [],
  endpoints: [
    endpointOf({ ...SMALL, scaling: { kind: "auto", max: 2 } }),
    endpointOf({ ...LARGE, startupSeconds: 3600 }),
  ],
};
