import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import type { Plan, Stage } from "./lifecycle/types.ts";
import { Models } from "./models.ts";

export interface DatacenterArgs {
  readonly plan: Plan;
  /** Absolute path of the repository; image contexts are given relative to it. */
  readonly repositoryRoot: string;
}

/**
 * Everything a plan says should exist. It decides nothing: what a plan names is declared, and what it names no longer the
 * engine removes.
 */
export class Datacenter extends ComponentResource {
  static readonly __pulumiType = "millwright:datacenter:Datacenter";

  /** Where each model that serves is reached, by its name. */
  readonly endpoints: Readonly<Record<string, Output<string>>>;
  /** The stage of each model, by its name. */
  readonly stages: Readonly<Record<string, Stage>>;

  constructor(name: string, { plan, repositoryRoot }: DatacenterArgs, opts?: ComponentResourceOptions) {
    super(Datacenter.__pulumiType, name, { stack: plan.stack.name }, opts);
    const models = plan.models.length === 0 ? undefined : new Models({ parent: this, plan, repositoryRoot });
    this.endpoints = models?.endpoints ?? {};
    this.stages = Object.fromEntries(plan.models.map(({ name, stage }) => [name, stage]));
    this.registerOutputs({ endpoints: this.endpoints, stages: this.stages });
  }
}
