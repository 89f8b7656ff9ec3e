import { ComponentResource, type ComponentResourceOptions, type Input, output } from "@pulumi/pulumi";
import { WorkloadIdentity } from "../identity/component.ts";
import type { WorkloadKind } from "../identity/types.ts";
import type { PlatformOutputs } from "../outputs.ts";
import { AwsRegistry } from "../registry/component.ts";
import type { AwsContext } from "../types.ts";

export interface AwsModelsArgs extends AwsContext {
  /** Name of the stack that has the cluster. */
  readonly platform: string;
  /** What that stack says of itself. */
  readonly outputs: { readonly [K in "clusterName" | "key" | "roles"]: Input<PlatformOutputs[K]> };
  /** Images that only this stack's models have, e.g. `source-mail-triage`; each gets a repository. */
  readonly images: readonly string[];
  /** Where its pods live. */
  readonly namespace: string;
  /** Service accounts of the namespace, and what their pods do in AWS. */
  readonly accounts: readonly { readonly serviceAccount: string; readonly kind: WorkloadKind }[];
}

/**
 * What a stack of models has in AWS itself: repositories for images that nobody else has, and the roles its pods take. A pod
 * that was there before its account got a role has none until it is started again, so what has pods depends on this.
 */
export class AwsModels extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsModels";

  constructor(name: string, args: AwsModelsArgs, opts?: ComponentResourceOptions) {
    const { outputs, ...plain } = args;
    super(AwsModels.__pulumiType, name, plain, opts);
    const { stack, accountId, region, platform, images, namespace, accounts } = args;
    const registry = { stack, accountId, region, platform, images, key: outputs.key };
    new AwsRegistry(`${name}-registry`, registry, { parent: this });
    for (const { serviceAccount, kind } of accounts) {
      new WorkloadIdentity(
        `${name}-${serviceAccount}`,
        { clusterName: outputs.clusterName, roleArn: roleOf(outputs.roles, kind), namespace, serviceAccount, stack },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}

function roleOf(roles: Input<PlatformOutputs["roles"]>, kind: WorkloadKind): Input<string> {
  return output(roles).apply((known) => known[kind]);
}
