import path from "node:path";
import { GpuNodePool } from "../../../../components/compute/pools/component.ts";
import { awsPlatformArgs } from "../../../../components/ground.ts";
import { AwsPlatform } from "../../../../components/platform/aws/component.ts";
import { loadStack } from "../../../../stacks/load.ts";
import { type Stack, stackSchema } from "../../../../stacks/schema.ts";
import { declare, type Registration } from "../../engine.ts";
import { SMALL_SPEC } from "./fixtures.ts";
import { awsProvider } from "./mocks.ts";

export const REPOSITORY = path.resolve(import.meta.dirname, "../../../..");

export function shipped(name: string): Promise<Stack> {
  return loadStack({ name, repositoryRoot: REPOSITORY });
}

/** A small platform with a node group whose size changes and whose devices are divided. */
export function scaledStack(): Pick<Stack, "name" | "platform" | "pools" | "scheduling"> {
  const { platform, pools, scheduling } = stackSchema.parse({
    platform: { cluster: SMALL_SPEC },
    pools: [
      {
        name: "slices",
        provisioning: { kind: "nodeGroup", instanceTypes: ["p5.48xlarge"] },
        size: { kind: "auto", max: 4 },
        devices: { kind: "mig", profile: "1g.10gb" },
      },
    ],
  });
  return { name: "production", platform, pools, scheduling };
}

/** Declares the ground and the pools of a stack with a cluster on AWS, as the program does. */
export async function declareStack(
  stack: Pick<Stack, "name" | "platform" | "pools"> & Partial<Pick<Stack, "scheduling">>,
): Promise<{
  readonly result: AwsPlatform;
  readonly registrations: readonly Registration[];
}> {
  const { cluster } = stack.platform;
  if (cluster.kind !== "eks") {
    throw new Error(`stack ${stack.name} has no cluster on AWS`);
  }
  return declare(
    () => {
      const platform = new AwsPlatform("platform", awsPlatformArgs(stack, cluster));
      for (const pool of stack.pools) {
        new GpuNodePool(`pool-${pool.name}`, { pool, cluster: platform.poolCluster }, { dependsOn: platform });
      }
      return platform;
    },
    { provider: awsProvider(cluster.region) },
  );
}
