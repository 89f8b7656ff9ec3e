import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  interpolate,
  type Output,
  type Resource,
} from "@pulumi/pulumi";
import { KEPT_QUEUE_LABELS } from "../compute/scheduling/queue.ts";
import { throwProblems } from "../platform/problems.ts";
import { HTTP_PORT } from "./defaults.ts";
import { renderEndpoint } from "./render.ts";
import type { EndpointArgs } from "./types.ts";
import { validateEndpoint } from "./validate.ts";
import type { VersionObjects } from "./version.ts";

/** The live versions, by the names of the runs that made them. */
export interface LiveVersions {
  readonly stable?: string;
  readonly canary?: string;
}

/**
 * A model that answers requests in its engine's protocol: the servers of each live version, and a router in
 * front that divides the requests between them.
 *
 * Awaited, in this order: each version's servers, until they are ready; the routers, until those with the present
 * weights have taken over; the model's Service, until it reaches one. So a run of the engine that ends well means
 * that the model answers, and that requests are divided as declared.
 *
 * Where servers are scaled, a version starts with one, and its ScaledObject is made when that one is ready and the
 * routers tell their load. Awaited too, until KEDA has taken it up; then their number is KEDA's, and not declared.
 *
 * The objects of a version are named by it alone: a promotion declares them as they were, changes the router's
 * configuration, and restarts no server.
 *
 * A version that is no longer declared is removed only when routers that do not lead to it have taken over. The
 * engine begins to remove when the program has ended; the program ends when every registration was answered; and that
 * of the routers is answered when they have taken over. Where that fails, nothing is removed. Routers with the old
 * weights may still be draining then and send the version their last requests: so its servers go on taking them for
 * longer than a router drains, and its Service, on which they depend, goes after them. What a client sends even later
 * over a connection it kept is refused there, and sent to the other version.
 */
export class Endpoint extends ComponentResource {
  static readonly __pulumiType = "millwright:serving:Endpoint";

  /** `http://<cluster address>:8080`, reachable from the cluster's nodes and pods. */
  readonly url: Output<string>;
  readonly versions: LiveVersions;

  constructor(name: string, args: EndpointArgs, opts?: ComponentResourceOptions) {
    super(Endpoint.__pulumiType, name, plainArgs(name, args), opts);
    throwProblems(this, `The endpoint of ${name}`, validateEndpoint(name, args));

    const { serviceAccount, versions, router, scaledObjects, policies } = renderEndpoint(args);
    const allowed = [
      new NetworkPolicy(`${name}-servers-policy`, policies.servers, { parent: this }),
      new NetworkPolicy(`${name}-router-policy`, policies.router, { parent: this }),
    ];
    const account = new ServiceAccount(`${name}-account`, serviceAccount, { parent: this });
    const servers = versions.flatMap((version) => this.#version(version, account));

    const config = new ConfigMap(`${name}-router-config`, router.config, { parent: this });
    const routers = new Deployment(`${name}-router`, router.deployment, {
      parent: this,
      dependsOn: [account, config, ...allowed, ...servers],
    });
    if (router.budget !== undefined) {
      new PodDisruptionBudget(`${name}-router-budget`, router.budget, { parent: this });
    }
    const metrics = new Service(`${name}-metrics`, router.metrics, { parent: this, dependsOn: routers });
    const scalable = [...servers, metrics, ...(args.autoscaler === undefined ? [] : [args.autoscaler])];
    for (const scaledObject of scaledObjects) {
      new CustomResource(`${scaledObject.metadata.name}-scaler`, scaledObject, { parent: this, dependsOn: scalable });
    }
    const address = new Service(`${name}-service`, router.service, { parent: this, dependsOn: routers });

    this.url = interpolate`http://${address.spec.clusterIP}:${HTTP_PORT}`;
    this.versions = liveVersions(args);
    this.registerOutputs({ url: this.url, versions: this.versions });
  }

  /** What a router that leads to the version has to wait for. */
  #version({ version, service, deployment, config, budget }: VersionObjects, account: ServiceAccount): Resource[] {
    const address = new Service(`${version}-service`, service, { parent: this });
    const configs = config === undefined ? [] : [new ConfigMap(`${version}-server-config`, config, { parent: this })];
    const servers = new Deployment(`${version}-deployment`, deployment, {
      parent: this,
      dependsOn: [account, address, ...configs],
      ignoreChanges: [...KEPT_QUEUE_LABELS],
    });
    if (budget !== undefined) {
      new PodDisruptionBudget(`${version}-budget`, budget, { parent: this });
    }
    return [address, servers];
  }
}

/** What the engine, policies and the state see of an endpoint. */
function plainArgs(model: string, args: EndpointArgs) {
  const { stable, canary } = args;
  const serving = (stable ?? canary?.version)?.model.serving;
  return { model, versions: liveVersions(args), canaryWeight: canary?.weight, ...serving };
}

function liveVersions({ stable, canary }: EndpointArgs): LiveVersions {
  return {
    ...(stable === undefined ? {} : { stable: stable.version }),
    ...(canary === undefined ? {} : { canary: canary.version.version }),
  };
}
