import { delimiter } from "node:path";
import type { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import type { Output } from "@pulumi/pulumi";
import type { EksSpec } from "../stacks/aws.ts";
import type { Stack } from "../stacks/schema.ts";
import { isAutoscaledGroup } from "./compute/pools/node-group.ts";
import { type KubeconfigText, kubeconfigOf } from "./lifecycle/cluster.ts";
import { NOTHING_OBSERVED, observe } from "./lifecycle/observe.ts";
import type { Observations } from "./lifecycle/types.ts";
import { platformRuleFiles } from "./monitoring/platform-rules.ts";
import type { AwsPlatform, AwsPlatformArgs } from "./platform/aws/component.ts";
import { CLUSTER_AUTOSCALER } from "./platform/aws/defaults.ts";
import type { PlatformOutputs } from "./platform/aws/outputs.ts";

/** What a stack stands on: a cluster, how it is reached, and what has happened in it. */
export interface Ground {
  /** Of everything but the cluster itself. */
  readonly kubernetes: Provider;
  readonly observations: Observations;
  /** The provider of what a stack on AWS makes there. */
  readonly awsProvider?: AwsProvider;
  /** The cluster, where the stack makes it itself. */
  readonly aws?: AwsPlatform;
  /** What the stack that has the cluster says, where another one does. */
  readonly outputs?: Output<PlatformOutputs>;
}

/**
 * Finds, or declares, the cluster of a stack. A cluster that exists is read, and one that cannot be read stops the run; the
 * cluster that this very stack makes holds nothing that is planned on, since stacks with models stand on another's.
 *
 * @throws ObservationError where the cluster cannot be read
 */
export async function groundOf(stack: Stack): Promise<Ground> {
  const { platform } = stack;
  switch (platform.cluster.kind) {
    case "eks":
      return await groundOnAws(stack, platform.cluster);
    case "platform":
      return await groundOfPlatform(stack, platform.cluster.stack);
    default: {
      const observations = await observe(platform);
      const { kubeconfig, context } = kubeconfigOf(platform);
      // It takes one file; several, only from $KUBECONFIG.
      const file = kubeconfig.includes(delimiter) ? {} : { kubeconfig };
      return { kubernetes: new Provider("cluster", { context, ...file }), observations };
    }
  }
}

/** The parts that only AWS needs are loaded here alone: they take a quarter of a second. */
async function groundOnAws(stack: Stack, cluster: EksSpec): Promise<Ground> {
  const { AwsPlatform } = await import("./platform/aws/component.ts");
  const awsProvider = await awsProviderOf(cluster);
  const aws = new AwsPlatform("aws", awsPlatformArgs(stack, cluster), { providers: { aws: awsProvider } });
  return {
    kubernetes: new Provider("cluster", { kubeconfig: aws.kubeconfig }),
    observations: NOTHING_OBSERVED,
    awsProvider,
    aws,
  };
}

/** What a stack's cluster on AWS is made of. Pure. */
export function awsPlatformArgs(
  stack: Pick<Stack, "name" | "platform" | "pools" | "scheduling">,
  spec: EksSpec,
): AwsPlatformArgs {
  const { name, pools, scheduling } = stack;
  const placement = scheduling?.placement.kind;
  return {
    stack: name,
    spec,
    rules: platformRuleFiles(stack),
    ...(placement === undefined ? {} : { placement }),
    ...(pools.some(isAutoscaledGroup) ? { clusterAutoscaler: CLUSTER_AUTOSCALER } : {}),
  };
}

async function groundOfPlatform({ platform, platformStack }: Stack, name: string): Promise<Ground> {
  const { referToPlatform } = await import("./platform/reference.ts");
  const outputs = referToPlatform(name);
  const said = await new Promise<PlatformOutputs>((resolve) => {
    outputs.apply(resolve);
  });
  return {
    kubernetes: new Provider("cluster", { kubeconfig: outputs.kubeconfig }),
    observations: await observe(platform, clusterOfPlatform(name, said)),
    outputs,
    ...(platformStack?.platform.cluster.kind === "eks"
      ? { awsProvider: await awsProviderOf(platformStack.platform.cluster) }
      : {}),
  };
}

/** Loaded only where it is wanted, like all of AWS. */
async function awsProviderOf(cluster: EksSpec): Promise<AwsProvider> {
  const [{ Provider: Aws }, { providerArgs }] = await Promise.all([
    import("@pulumi/aws/provider.js"),
    import("./platform/aws/provider.ts"),
  ]);
  return new Aws("aws", providerArgs(cluster));
}

/** How the cluster of another stack is reached, by what that stack says of it. */
export function clusterOfPlatform(stack: string, { clusterName, kubeconfig }: PlatformOutputs): KubeconfigText {
  return { text: kubeconfig, context: clusterName, origin: `the outputs of stack ${stack}` };
}
