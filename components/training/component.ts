import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { throwProblems } from "../platform/problems.ts";
import { renderDataset } from "./dataset.ts";
import { renderIdentity } from "./identity.ts";
import { renderTraining } from "./training.ts";
import type { DatasetJobArgs, RunIdentityArgs, TrainingJobArgs } from "./types.ts";
import { validateRun } from "./validate.ts";

/**
 * A run under way is never edited. Its name says everything that determines its result; what else the stack file may
 * change (resources, deadlines, checkpoint intervals) holds from the next run on.
 */
const KEPT_JOB = { ignoreChanges: ["spec"] };
const KEPT_SPEC = { ignoreChanges: ["data"] };

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
export class DatasetJob extends ComponentResource {
  static readonly __pulumiType = "millwright:training:DatasetJob";

  readonly run: string;

  constructor(name: string, args: DatasetJobArgs, opts?: ComponentResourceOptions) {
    super(DatasetJob.__pulumiType, name, plainArgs(args), opts);
    throwProblems(this, `The dataset run ${args.run.name}`, validateRun(args.run));

    const { spec, job } = renderDataset(args);
    const dependsOn = [new ConfigMap(`${name}-spec`, spec, { parent: this, ...KEPT_SPEC })];
    new Job(`${name}-job`, job, { parent: this, dependsOn, ...KEPT_JOB });

    this.run = args.run.name;
    this.registerOutputs({ run: this.run });
  }
}

/** A training run: a group of workers under torchrun. Not awaited. */
export class TrainingJob extends ComponentResource {
  static readonly __pulumiType = "millwright:training:TrainingJob";

  readonly run: string;

  constructor(name: string, args: TrainingJobArgs, opts?: ComponentResourceOptions) {
    super(TrainingJob.__pulumiType, name, plainArgs(args), opts);
    throwProblems(this, `The training run ${args.run.name}`, validateRun(args.run));

    const { spec, service, job } = renderTraining(args);
    const dependsOn = [
      new ConfigMap(`${name}-spec`, spec, { parent: this, ...KEPT_SPEC }),
      new Service(`${name}-group`, service, { parent: this }),
    ];
    new Job(`${name}-job`, job, { parent: this, dependsOn, ...KEPT_JOB });

    this.run = args.run.name;
    this.registerOutputs({ run: this.run });
  }
}

/** What the engine, policies and the state see of a run: names, not the images, which are not known at every preview. */
function plainArgs({ run, serviceAccountName }: DatasetJobArgs | TrainingJobArgs) {
  return { kind: run.kind, model: run.model.name, run: run.name, serviceAccountName };
}
