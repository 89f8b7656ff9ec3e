import { StorageClass } from "@pulumi/kubernetes/storage/v1/storageClass.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { type LustreClassArgs, renderBlockClass, renderLustreClass } from "./render.ts";

export interface StorageClassesArgs {
  /** @default the platform has no FSx for Lustre, and there is no class for many nodes at the same time */
  readonly lustre?: LustreClassArgs;
}

/** The classes of volumes that a cluster on AWS offers: `block`, which is the default, and `lustre`. */
export class AwsStorageClasses extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:AwsStorageClasses";

  constructor(name: string, { lustre }: StorageClassesArgs, opts?: ComponentResourceOptions) {
    super(AwsStorageClasses.__pulumiType, name, { lustre: lustre !== undefined }, opts);
    new StorageClass(`${name}-block`, renderBlockClass(), { parent: this });
    if (lustre !== undefined) {
      new StorageClass(`${name}-lustre`, renderLustreClass(lustre), { parent: this });
    }
    this.registerOutputs({});
  }
}
