import { LifecyclePolicy } from "@pulumi/aws/ecr/lifecyclePolicy.js";
import { Repository } from "@pulumi/aws/ecr/repository.js";
import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import { registryOf } from "../names.ts";
import type { AwsContext } from "../types.ts";
import { renderImageRepository, renderLifecyclePolicy } from "./render.ts";

export interface RegistryArgs extends AwsContext {
  /** The stack whose cluster pulls the images; names of repositories are made of it. @default `stack` */
  readonly platform?: string;
  /** Names of images; each is a repository of its own. */
  readonly images: readonly string[];
  /** ARN of the key that encrypts them. */
  readonly key: Input<string>;
}

/**
 * A repository of ECR for each image: scanned at every push, with tags nobody can move. A platform has those of the
 * repository's own images, a stack of models those of its models. What is left of old images is removed by rule.
 */
export class AwsRegistry extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsRegistry";

  /** `host/path`, below which images are pushed. */
  readonly registry: string;

  constructor(name: string, args: RegistryArgs, opts?: ComponentResourceOptions) {
    const { key, ...plain } = args;
    super(AwsRegistry.__pulumiType, name, plain, opts);
    const platform = args.platform ?? args.stack;
    for (const image of args.images) {
      const child = `${name}-${image}`;
      const repository = new Repository(child, renderImageRepository({ ...args, platform }, image, key), {
        parent: this,
      });
      new LifecyclePolicy(child, { repository: repository.name, policy: renderLifecyclePolicy() }, { parent: this });
    }
    this.registry = registryOf(platform, args);
    this.registerOutputs({ registry: this.registry });
  }
}
