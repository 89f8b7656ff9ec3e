import type { ProviderArgs } from "@pulumi/aws/provider.js";
import type { EksSpec } from "../../../stacks/aws.ts";

/**
 * What the one provider of a stack is made with. `allowedAccountIds` makes it stop at once with the credentials of another
 * account, before anything is read or made there. Pure.
 */
export function providerArgs({ region, accountId }: Pick<EksSpec, "region" | "accountId">): ProviderArgs {
  return { region: region as NonNullable<ProviderArgs["region"]>, allowedAccountIds: [accountId] };
}
