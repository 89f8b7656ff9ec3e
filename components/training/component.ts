import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { renderCompression } from "./compression.ts";
import { renderDataset } from "./dataset.ts";
import { renderIdentity } from "./identity.ts";
import { renderRollout } from "./rollout.ts";
import { RunComponent } from "./run.ts";
import { renderSearch } from "./search.ts";
import { renderTraining } from "./training.ts";
import type {
  CompressionJobArgs,
  DatasetJobArgs,
  RolloutJobArgs,
  RunIdentityArgs,
  SearchJobArgs,
  TrainingJobArgs,
} from "./types.ts";
import { validateUrls } from "./validate.ts";

/** The account of a model's runs; it stays while runs come and go. */
export class RunIdentity extends ComponentResource {
  static readonly __pulumiType = "millwright:training:RunIdentity";

  readonly serviceAccountName: string;

  constructor(name: string, args: RunIdentityArgs, opts?: ComponentResourceOptions) {
    super(RunIdentity.__pulumiType, name, { ...args }, opts);
    const { serviceAccount, role, binding } = renderIdentity(args);
    const bound = [
      new ServiceAccount(`${name}-account`, serviceAccount, { parent: this }),
      new Role(`${name}-role`, role, { parent: this }),
    ];
    new RoleBinding(`${name}-binding`, binding, { parent: this, dependsOn: bound });

    this.serviceAccountName = serviceAccount.metadata.name;
    this.registerOutputs({ serviceAccountName: this.serviceAccountName });
  }
}

/** A dataset run: raw data to train, validation and test splits. Not awaited. */
export class DatasetJob extends RunComponent {
  static readonly __pulumiType = "millwright:training:DatasetJob";

  constructor(name: string, args: DatasetJobArgs, opts?: ComponentResourceOptions) {
    super(DatasetJob.__pulumiType, name, args, { render: () => renderDataset(args) }, opts);
  }
}

/**
 * A search run: workers that share a study in the database. Not awaited.
 *
 * The database is for its caller to depend on; a worker waits for it some time, and is started again after that.
 */
export class SearchJob extends RunComponent {
  static readonly __pulumiType = "millwright:training:SearchJob";

  constructor(name: string, args: SearchJobArgs, opts?: ComponentResourceOptions) {
    super(SearchJob.__pulumiType, name, args, { render: () => renderSearch(args) }, opts);
  }
}

/** A training run: a group of workers under torchrun. Not awaited. */
export class TrainingJob extends RunComponent {
  static readonly __pulumiType = "millwright:training:TrainingJob";

  constructor(name: string, args: TrainingJobArgs, opts?: ComponentResourceOptions) {
    super(TrainingJob.__pulumiType, name, args, { render: () => renderTraining(args) }, opts);
  }
}

/** A compression run: one candidate of a trained model, made and measured. Not awaited. */
export class CompressionJob extends RunComponent {
  static readonly __pulumiType = "millwright:training:CompressionJob";

  constructor(name: string, args: CompressionJobArgs, opts?: ComponentResourceOptions) {
    super(CompressionJob.__pulumiType, name, args, { render: () => renderCompression(args) }, opts);
  }
}

/** A rollout run: the judge of one canary step. Not awaited. */
export class RolloutJob extends RunComponent {
  static readonly __pulumiType = "millwright:training:RolloutJob";

  constructor(name: string, args: RolloutJobArgs, opts?: ComponentResourceOptions) {
    const problems = validateUrls(args.run, args.urls);
    super(RolloutJob.__pulumiType, name, args, { problems, render: () => renderRollout(args) }, opts);
  }
}
