import { Alias } from "@pulumi/aws/kms/alias.js";
import { Key } from "@pulumi/aws/kms/key.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { awsName } from "../names.ts";
import type { AwsContext, EncryptionKeys } from "../types.ts";
import { renderDataKey, renderSecretsKey } from "./render.ts";

/**
 * Two keys of KMS, both rotated each year: one for the cluster's Secrets, one for everything else that is stored. Protected:
 * what a key encrypted can never be read again without it, so the engine removes neither before somebody unprotects it.
 */
export class AwsEncryption extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsEncryption";

  readonly keys: { readonly [K in keyof EncryptionKeys]: Output<string> };

  constructor(name: string, context: AwsContext, opts?: ComponentResourceOptions) {
    super(AwsEncryption.__pulumiType, name, { ...context }, opts);
    const kept = { parent: this, protect: true };
    const data = new Key(`${name}-data`, renderDataKey(context), kept);
    const secrets = new Key(`${name}-secrets`, renderSecretsKey(context), kept);
    for (const [part, key] of Object.entries({ data, secrets })) {
      const alias = { name: `alias/${awsName("alias", context.stack, part)}`, targetKeyId: key.keyId };
      new Alias(`${name}-${part}-alias`, alias, { parent: this });
    }
    this.keys = { data: data.arn, secrets: secrets.arn };
    this.registerOutputs({ keys: this.keys });
  }
}
