import path from "node:path";
import { GpuNodePool } from "../../../../components/compute/pools/component.ts";
import { platformRuleFiles } from "../../../../components/monitoring/platform-rules.ts";
import { AwsPlatform } from "../../../../components/platform/aws/component.ts";
import { loadStack } from "../../../../stacks/load.ts";
import type { Stack } from "../../../../stacks/schema.ts";
import { declare, type Registration } from "../../engine.ts";
import { awsProvider } from "./mocks.ts";

export const REPOSITORY = path.resolve(import.meta.dirname, "../../../..");

export function shipped(name: string): Promise<Stack> {
  return loadStack({ name, repositoryRoot: REPOSITORY });
}

/** Declares the ground and the pools of a stack with a cluster on AWS, as the program does. */
export async function declareStack(stack: Pick<Stack, "name" | "platform" | "pools" | "scheduling">): Promise<{
  readonly result: AwsPlatform;
  readonly registrations: readonly Registration[];
}> {
  const { cluster } = stack.platform;
  if (cluster.kind !== "eks") {
    throw new Error(`stack ${stack.name} has no cluster on AWS`);
  }
  return declare(
    () => {
      const platform = new AwsPlatform("platform", {
        stack: stack.name,
        spec: cluster,
        placement: stack.scheduling?.placement.kind ?? "spread",
        rules: platformRuleFiles(stack),
      });
      for (const pool of stack.pools) {
        new GpuNodePool(`pool-${pool.name}`, { pool, cluster: platform.poolCluster }, { dependsOn: platform });
      }
      return platform;
    },
    { provider: awsProvider(cluster.region) },
  );
}
