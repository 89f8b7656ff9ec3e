import { output } from "@pulumi/pulumi";
import { Datacenter } from "../../components/datacenter.ts";
import { plan } from "../../components/lifecycle/plan.ts";
import type { Observations } from "../../components/lifecycle/types.ts";
import { platformRuleFiles } from "../../components/monitoring/platform-rules.ts";
import { AwsPlatform } from "../../components/platform/aws/component.ts";
import type { PlatformOutputs } from "../../components/platform/aws/outputs.ts";
import type { Stack } from "../../stacks/schema.ts";
import { declare, type Registration } from "./engine.ts";
import { lifeOf } from "./fixtures.ts";
import { awsProvider } from "./platform/aws/mocks.ts";
import { REPOSITORY, shipped } from "./platform/aws/stacks.ts";

/** The stacks that come with the program. */
export const SHIPPED = [
  "local",
  "simulated",
  "simulated-large",
  "staging",
  "staging-models",
  "production",
  "production-models",
] as const;

/** What has happened at each point of the lives of a stack's models; nothing at all where it has none. */
export async function livesOf(name: string): Promise<readonly Observations[]> {
  return lifeOf(await shipped(name));
}

/** What a stack on AWS tells the stacks on its cluster, as far as their objects depend on it. */
export const OUTPUTS: PlatformOutputs = {
  accountId: "111122223333",
  region: "us-east-2",
  clusterName: "millwright-production",
  kubeconfig: "apiVersion: v1\nkind: Config\n",
  registry: "111122223333.dkr.ecr.us-east-2.amazonaws.com/millwright-production",
  key: "arn:aws:kms:us-east-2:111122223333:key/00000000-0000-0000-0000-000000000000",
  buckets: { artifacts: "artifacts", checkpoints: "checkpoints", datasets: "datasets" },
  roles: {
    training: "arn:aws:iam::111122223333:role/training",
    tracking: "arn:aws:iam::111122223333:role/tracking",
    serving: "arn:aws:iam::111122223333:role/serving",
  },
  database: { host: "database.example", port: 5432, user: "millwright", password: "not-a-password" },
  metrics: { url: "https://aps-workspaces.us-east-2.amazonaws.com/workspaces/ws-1", workspaceId: "ws-1" },
};

/** A stack of the repository as the program declares it, everything on this side of the providers. */
export async function declareShipped(
  name: string,
  observations: Observations = { records: [], runs: [] },
): Promise<{ readonly stack: Stack; readonly registrations: readonly Registration[] }> {
  const stack = await shipped(name);
  const { cluster } = stack.platform;
  const region = cluster.kind === "eks" ? cluster.region : OUTPUTS.region;
  const { registrations } = await declare(
    () => {
      const aws =
        cluster.kind === "eks"
          ? new AwsPlatform("aws", {
              stack: name,
              spec: cluster,
              rules: platformRuleFiles(stack),
              placement: stack.scheduling?.placement.kind ?? "spread",
            })
          : undefined;
      return new Datacenter(name, {
        plan: plan(stack, observations),
        repositoryRoot: REPOSITORY,
        ...(aws === undefined ? {} : { aws }),
        ...(cluster.kind === "platform" ? { ground: output(OUTPUTS) } : {}),
      });
    },
    { provider: awsProvider(region) },
  );
  return { stack, registrations };
}
