import { type ClusterReference, kubeconfigOf } from "../../components/lifecycle/cluster.ts";
import type { Stack } from "../../stacks/schema.ts";
import { REPOSITORY_ROOT } from "../lib/command-line.ts";
import { Failure } from "../lib/failure.ts";
import { run } from "../lib/process.ts";

/**
 * How the cluster of a stack is reached: by the kubeconfig that the stack names or, of a cluster on AWS, by the outputs of the
 * stack that has it.
 *
 * @param env gives the environment of `pulumi` calls, which names the backend; not asked where none is made
 * @returns undefined for a cluster that this very stack has yet to make
 * @throws Failure where another stack should have the cluster, and has none yet
 */
export async function clusterReferenceOf(
  { name, platform }: Pick<Stack, "name" | "platform">,
  env: () => Readonly<Record<string, string | undefined>>,
): Promise<ClusterReference | undefined> {
  const { cluster } = platform;
  if (cluster.kind !== "eks" && cluster.kind !== "platform") {
    return kubeconfigOf(platform);
  }
  // Pulumi's SDK takes half a second to load, and most stacks need none of it here.
  const [{ clusterOfPlatform }, { PLATFORM_OUTPUT, readOutputs }] = await Promise.all([
    import("../../components/ground.ts"),
    import("../../components/platform/reference.ts"),
  ]);
  const owner = cluster.kind === "eks" ? name : cluster.stack;
  const outputs = await stackOutputs(owner, env());
  if (outputs?.[PLATFORM_OUTPUT] === undefined) {
    if (cluster.kind === "eks") {
      return undefined;
    }
    throw new Failure(
      `The stack ${name} stands on the cluster of stack ${owner}, which has none yet`,
      `bring that one up first: npm run up -- ${owner}`,
    );
  }
  return clusterOfPlatform(owner, readOutputs(owner, outputs[PLATFORM_OUTPUT]));
}

/** The outputs of a stack, secrets in the clear; undefined where there is no such stack. */
async function stackOutputs(
  stack: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const pulumi = async (args: readonly string[]): Promise<unknown> =>
    JSON.parse((await run("pulumi", [...args, "--json", "--non-interactive"], { cwd: REPOSITORY_ROOT, env })).stdout);
  const known = (await pulumi(["stack", "ls"])) as readonly { readonly name: string }[];
  // With other backends than a folder the name comes with its organization and project.
  if (!known.some(({ name }) => name.split("/").at(-1)?.replace(/\*$/, "") === stack)) {
    return undefined;
  }
  return (await pulumi(["stack", "output", "--show-secrets", "--stack", stack])) as Record<string, unknown>;
}
