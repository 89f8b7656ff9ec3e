import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { LimitRange } from "@pulumi/kubernetes/core/v1/limitRange.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota.js";
import { PriorityClass } from "@pulumi/kubernetes/scheduling/v1/priorityClass.js";
import { ComponentResource, type ComponentResourceOptions, log, type Resource } from "@pulumi/pulumi";
import { throwProblems } from "../../platform/problems.ts";
import { poolsOf } from "./pools.ts";
import { renderScheduling, type SchedulingObjects } from "./render.ts";
import type { SchedulingArgs } from "./types.ts";
import { schedulingWarnings, validateScheduling } from "./validate.ts";

/**
 * Who may use how much of which pool, and who goes first: priorities, a namespace a team, and what keeps the teams' quotas,
 * which is Kueue's objects or the core's ResourceQuota and LimitRange.
 *
 * Kueue itself is not made here: `opts.dependsOn` names it, for its kinds must be there before and its controller until after
 * (it holds a queue until what it admitted has ended). What the core cannot do is refused; what it does otherwise is a warning
 * of the engine.
 *
 * Nothing is awaited beyond what the provider waits for by itself.
 */
export class Scheduling extends ComponentResource {
  static readonly __pulumiType = "millwright:compute:Scheduling";

  /** The teams' namespaces, by team. */
  readonly namespaces: Readonly<Record<string, string>>;

  constructor(name: string, args: SchedulingArgs, opts?: ComponentResourceOptions) {
    super(Scheduling.__pulumiType, name, plainArgs(args), opts);
    const pools = poolsOf(args.pools);
    throwProblems(this, "The scheduling", validateScheduling(args.spec, pools));
    for (const warning of schedulingWarnings(args.spec, pools)) {
      log.warn(warning, this);
    }

    const objects = renderScheduling(args);
    for (const each of objects.priorityClasses) {
      new PriorityClass(`${name}-priority-${each.metadata.name}`, each, { parent: this });
    }
    const shared = this.#sharedQueues(name, objects);
    for (const team of objects.teams) {
      this.#team(name, team, shared);
    }

    this.namespaces = Object.fromEntries(objects.teams.map(({ team, namespace }) => [team, namespace.metadata.name]));
    this.registerOutputs({ namespaces: this.namespaces });
  }

  /** What the queues of all teams refer to. A flavor that a queue names cannot be removed, so each queue depends on them. */
  #sharedQueues(
    name: string,
    { workloadPriorityClasses, topologies, flavors, cohorts }: SchedulingObjects,
  ): Resource[] {
    const parent = { parent: this };
    const topology = topologies.map((each) => new CustomResource(`${name}-topology`, each, parent));
    return [
      ...workloadPriorityClasses.map(
        (each) => new CustomResource(`${name}-queue-priority-${each.metadata.name}`, each, parent),
      ),
      ...cohorts.map((each) => new CustomResource(`${name}-cohort`, each, parent)),
      ...flavors.map(
        (each) =>
          new CustomResource(`${name}-flavor-${each.metadata.name}`, each, { parent: this, dependsOn: topology }),
      ),
    ];
  }

  #team(name: string, objects: SchedulingObjects["teams"][number], shared: readonly Resource[]): void {
    const { team, namespace, resourceQuota, limitRange, clusterQueue, localQueue } = objects;
    const home = new Namespace(`${name}-${team}-namespace`, namespace, { parent: this });
    const inside = { parent: this, dependsOn: home };
    if (resourceQuota !== undefined) {
      new ResourceQuota(`${name}-${team}-quota`, resourceQuota, inside);
    }
    if (limitRange !== undefined) {
      new LimitRange(`${name}-${team}-limits`, limitRange, inside);
    }
    if (clusterQueue !== undefined && localQueue !== undefined) {
      const queue = new CustomResource(`${name}-${team}-cluster-queue`, clusterQueue, {
        parent: this,
        dependsOn: [...shared],
      });
      new CustomResource(`${name}-${team}-queue`, localQueue, { parent: this, dependsOn: [home, queue] });
    }
  }
}

/** What the engine, policies and the state see of it. */
function plainArgs({ spec, pools }: SchedulingArgs) {
  return { ...spec, pools: pools.map(({ name }) => name) };
}
