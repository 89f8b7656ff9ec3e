import { placementOf } from "../../components/compute/pools/placement.ts";
import { autoscalerOf } from "../../components/platform/autoscaler/needed.ts";
import type { Stack } from "../../stacks/schema.ts";
import { datacenterEnvironment } from "../cluster/environment.ts";
import { startSimulated } from "../cluster/simulated.ts";
import { startCluster } from "../cluster/start.ts";
import { ensureBaseImage } from "../images/base.ts";
import { ensureKedaImage } from "../images/keda.ts";
import { REGISTRY } from "../images/registry.ts";
import type { Report } from "../lib/report.ts";
import { installPlugins } from "../standins/install.ts";
import { ensureTools } from "../toolchain/ensure.ts";
import { prepareLocalCluster } from "../toolchain/prepare.ts";

/**
 * Brings up what a stack stands on: its tools and, where the stack names no cluster of its own, the local datacenter of
 * this machine with the image that the workloads' images are built from, and KEDA's where a model is scaled by it; or the
 * simulated cluster, which goes on after this process has ended.
 *
 * @returns the environment of every `pulumi` call: this process's, and what names this datacenter
 * @throws Failure where the machine, the network or the cluster do not allow it; nothing started is left running
 */
export async function bringUp(stack: Stack, report: Report): Promise<Record<string, string>> {
  if (stack.platform.cluster.kind === "local") {
    await prepareLocalCluster(report);
    const accelerators = stack.pools.flatMap((pool) => placementOf(pool).resource ?? []);
    await startCluster(report, { placement: stack.scheduling?.placement.kind ?? "spread", accelerators });
    await ensureBaseImage({ reference: stack.platform.baseImage }, report);
    const autoscaler = autoscalerOf(stack);
    // One from elsewhere is pulled when the stack's copy of it is made.
    if (autoscaler?.image.startsWith(`${REGISTRY}/`)) {
      await ensureKedaImage(autoscaler.image, {}, report);
    }
  } else if (stack.platform.cluster.kind === "simulated") {
    await ensureTools(["etcd", "kubernetes", "pulumi"], report);
    await startSimulated(stack, report);
  } else {
    await ensureTools(["pulumi"], report);
  }
  const env = environmentOf(stack);
  const installed = await installPlugins({ pulumiHome: env["PULUMI_HOME"] ?? "", env });
  return { ...env, ...installed.env };
}

/** A stack that names its cluster is built and reached by the docker and the kubeconfig the user has. */
function environmentOf(stack: Stack): Record<string, string> {
  const own = definedOnly(process.env);
  const { KUBECONFIG, DOCKER_HOST, DOCKER_BUILDKIT, ...common } = datacenterEnvironment();
  const local = definedOnly({ KUBECONFIG, DOCKER_HOST, DOCKER_BUILDKIT });
  return stack.platform.cluster.kind === "local" ? { ...own, ...common, ...local } : { ...own, ...common };
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
