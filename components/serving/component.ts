import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { ComponentResource, type ComponentResourceOptions, interpolate, type Output } from "@pulumi/pulumi";
import { throwProblems } from "../platform/problems.ts";
import { HTTP_PORT } from "./defaults.ts";
import { renderEndpoint } from "./render.ts";
import type { EndpointArgs } from "./types.ts";
import { validateEndpoint } from "./validate.ts";

/**
 * A model that answers requests over the Open Inference Protocol.
 *
 * Awaited: the Deployment, until the new servers are ready, and then the Service, until it reaches one. So a run of the
 * engine that ends well means that the model answers.
 */
export class Endpoint extends ComponentResource {
  static readonly __pulumiType = "millwright:serving:Endpoint";

  /** `http://<cluster address>:8080`, reachable from the cluster's nodes and pods. */
  readonly url: Output<string>;
  /** The run that made what serves. */
  readonly version: string;

  constructor(name: string, args: EndpointArgs, opts?: ComponentResourceOptions) {
    const { live } = args;
    super(Endpoint.__pulumiType, name, { model: live.model.name, version: live.version, ...live.model.serving }, opts);
    throwProblems(this, `The endpoint of ${live.model.name}`, validateEndpoint(live));

    const { serviceAccount, deployment, service, disruptionBudget } = renderEndpoint(args);
    const account = new ServiceAccount(`${name}-account`, serviceAccount, { parent: this });
    const servers = new Deployment(`${name}-deployment`, deployment, { parent: this, dependsOn: account });
    if (disruptionBudget !== undefined) {
      new PodDisruptionBudget(`${name}-budget`, disruptionBudget, { parent: this });
    }
    const address = new Service(`${name}-service`, service, { parent: this, dependsOn: servers });

    this.url = interpolate`http://${address.spec.clusterIP}:${HTTP_PORT}`;
    this.version = live.version;
    this.registerOutputs({ url: this.url, version: this.version });
  }
}
