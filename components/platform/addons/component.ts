import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Release } from "@pulumi/kubernetes/helm/v3/release.js";
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { throwProblems } from "../problems.ts";
import { CHARTS, type ChartName } from "./charts.ts";
import { addonsOf } from "./needed.ts";
import { renderNamespace, renderRelease, renderRules } from "./render.ts";
import type { AddonsArgs } from "./types.ts";
import { validateAddons } from "./validate.ts";

/**
 * What a cluster needs beside Kubernetes, by Helm charts of pinned versions: each only where something in the stack calls for
 * it.
 *
 * Awaited: every chart, until its objects are ready or a quarter of an hour has passed; then it is rolled back and the run
 * fails. Charts wait for those they depend on: definitions first, and what stands in the way of others last.
 *
 * Where the cluster has a Prometheus of its own, it is given the platform's rules.
 *
 * Whoever declares objects of a kind that a chart defines depends on this.
 */
export class Addons extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:Addons";

  /** The charts that are installed, in that order. */
  readonly charts: readonly ChartName[];

  constructor(name: string, args: AddonsArgs, opts?: ComponentResourceOptions) {
    const { stack, guests = [], rules = [], kubernetesVersion, ...context } = args;
    const addons = addonsOf(stack, context, guests);
    const charts = addons.map(({ chart }) => chart);
    super(Addons.__pulumiType, name, { charts, kubernetesVersion }, opts);
    throwProblems(this, "The add-ons", validateAddons(args, addons));

    const installed = new Map<ChartName, Resource>();
    for (const addon of addons) {
      const { chart } = addon;
      const namespace = renderNamespace(chart);
      const before = CHARTS[chart].after.flatMap((each) => installed.get(each) ?? []);
      const home =
        namespace === undefined ? [] : [new Namespace(`${name}-${chart}-namespace`, namespace, { parent: this })];
      const release = new Release(`${name}-${chart}`, renderRelease(addon), {
        parent: this,
        dependsOn: [...home, ...before],
      });
      installed.set(chart, release);
    }

    const operator = installed.get("kube-prometheus-stack");
    if (operator !== undefined && rules.length > 0) {
      new CustomResource(`${name}-rules`, renderRules(rules), { parent: this, dependsOn: operator });
    }

    this.charts = charts;
    this.registerOutputs({ charts });
  }
}
