import { Job, type JobArgs } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap, type ConfigMapArgs } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service, type ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy, type NetworkPolicyArgs } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { KEPT_QUEUE_LABELS } from "../compute/scheduling/queue.ts";
import type { Problem } from "../core/problem.ts";
import type { Run } from "../lifecycle/types.ts";
import { throwProblems } from "../platform/problems.ts";
import type { RunArgs } from "./types.ts";
import { validateRun } from "./validate.ts";

/**
 * A run under way is never edited. Its name says everything that determines its result; what else the stack file may
 * change (resources, deadlines, checkpoint intervals, pools, queues) holds from the next run on.
 */
const KEPT_JOB = { ignoreChanges: ["spec", ...KEPT_QUEUE_LABELS] };
const KEPT_SPEC = { ignoreChanges: ["data"] };

/** The objects of a run. */
export interface RunObjects {
  readonly spec: ConfigMapArgs;
  /** Gives the workers host names. @default none: the workers need not meet */
  readonly service?: ServiceArgs;
  /** Who may reach the workers. @default nobody */
  readonly policy?: NetworkPolicyArgs;
  readonly job: JobArgs;
}

interface Kind {
  /** What is wrong beyond the run itself. @default none */
  readonly problems?: readonly Problem[];
  /** Called only where nothing is wrong. */
  readonly render: () => RunObjects;
}

/** What the runs of every kind have in common: the Job, with what it needs made before it. Not awaited. */
export abstract class RunComponent extends ComponentResource {
  readonly run: string;

  protected constructor(
    type: string,
    name: string,
    args: RunArgs<Run>,
    { problems = [], render }: Kind,
    opts?: ComponentResourceOptions,
  ) {
    super(type, name, plainArgs(args), opts);
    throwProblems(this, `The ${args.run.kind} run ${args.run.name}`, [...validateRun(args.run), ...problems]);

    const { spec, service, policy, job } = render();
    const dependsOn = [
      new ConfigMap(`${name}-spec`, spec, { parent: this, ...KEPT_SPEC }),
      ...(service === undefined ? [] : [new Service(`${name}-group`, service, { parent: this })]),
      ...(policy === undefined ? [] : [new NetworkPolicy(`${name}-policy`, policy, { parent: this })]),
    ];
    new Job(`${name}-job`, job, { parent: this, dependsOn, ...KEPT_JOB });

    this.run = args.run.name;
    this.registerOutputs({ run: this.run });
  }
}

/**
 * What the engine, policies and the state see of a run: names, not the images, which are not known at every preview.
 */
function plainArgs({ run, serviceAccountName }: RunArgs<Run>) {
  return { kind: run.kind, model: run.model.name, run: run.name, serviceAccountName };
}
