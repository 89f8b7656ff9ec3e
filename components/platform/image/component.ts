import { Image } from "@pulumi/docker/image.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { throwProblems } from "../problems.ts";
import { renderImage } from "./render.ts";
import type { WorkloadImageArgs } from "./types.ts";
import { validateImage } from "./validate.ts";

/** An image of the workloads, built and pushed. An image that is no longer declared stays in the registry. */
export class WorkloadImage extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:WorkloadImage";

  /** `repository@sha256:...`: the one reference a pod may use, since a tag can be moved. */
  readonly reference: Output<string>;

  constructor(name: string, args: WorkloadImageArgs, opts?: ComponentResourceOptions) {
    const { buildArgs: _, ...plain } = args;
    super(WorkloadImage.__pulumiType, name, plain, opts);
    throwProblems(this, `The image ${args.image}`, validateImage(args));

    this.reference = new Image(`${name}-image`, renderImage(args), { parent: this }).repoDigest;
    this.registerOutputs({ reference: this.reference });
  }
}
