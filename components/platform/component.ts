import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { PersistentVolume } from "@pulumi/kubernetes/core/v1/persistentVolume.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { throwProblems } from "./problems.ts";
import { ARTIFACT_CLAIM, renderClaim, renderIsolation, renderNamespace, renderVolume } from "./render.ts";
import type { ArtifactStore, PlatformArgs } from "./types.ts";
import { validatePlatform } from "./validate.ts";

/**
 * Where the models of a stack live in a cluster that exists: their namespace, in which nobody reaches a pod unless its
 * component allows it, and the artifact store.
 *
 * Awaited: the claim, until it is bound; with a storage class that binds at first use, not at all.
 */
export class Platform extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:Platform";

  readonly artifacts: ArtifactStore;

  constructor(name: string, args: PlatformArgs, opts?: ComponentResourceOptions) {
    super(Platform.__pulumiType, name, { ...args }, opts);
    throwProblems(this, "The platform", validatePlatform(args));

    const { makesNamespace = true } = args;
    const home = makesNamespace
      ? [new Namespace(`${name}-namespace`, renderNamespace(args), { parent: this })]
      : // Whoever makes it is named in `opts.dependsOn`.
        [];
    new NetworkPolicy(`${name}-isolation`, renderIsolation(args), { parent: this, dependsOn: home });
    const { storage } = args;
    const before =
      storage.kind === "node"
        ? [...home, new PersistentVolume(`${name}-volume`, renderVolume(args, storage), { parent: this })]
        : home;
    new PersistentVolumeClaim(`${name}-claim`, renderClaim(args), { parent: this, dependsOn: before });

    this.artifacts = { namespace: args.namespace, claimName: ARTIFACT_CLAIM };
    this.registerOutputs({ namespace: args.namespace });
  }
}
