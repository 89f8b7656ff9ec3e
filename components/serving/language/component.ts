import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { KEPT_QUEUE_LABELS } from "../../compute/scheduling/queue.ts";
import { throwProblems } from "../../platform/problems.ts";
import { endpointUrl } from "./names.ts";
import { renderLanguageEndpoint } from "./render.ts";
import type { LanguageEndpointArgs } from "./types.ts";
import { validateArguments, validateLanguageEndpoint } from "./validate.ts";

/**
 * A language model that is served as it was published, by vLLM. A replica is one node of a Deployment, or a group of nodes of
 * a LeaderWorkerSet where the layers are divided among nodes.
 *
 * Awaited, in this order: the replicas, until they answer, as long as a machine, the image and the weights may take; the
 * Service, until it leads to one; where replicas are scaled, the ScaledObject, until KEDA has taken it up. Then their number
 * is KEDA's, and not declared.
 */
export class LanguageEndpoint extends ComponentResource {
  static readonly __pulumiType = "millwright:serving:LanguageEndpoint";

  /** `http://<endpoint>.<namespace>.svc.cluster.local:8080`, which answers OpenAI's API to the pods the policy lets in. */
  readonly url: string;

  constructor(name: string, args: LanguageEndpointArgs, opts?: ComponentResourceOptions) {
    const { after = [], ...plain } = args;
    super(LanguageEndpoint.__pulumiType, name, plain, opts);
    throwProblems(this, `The endpoint ${args.endpoint.name}`, [
      ...validateLanguageEndpoint(args.endpoint, args.host),
      ...validateArguments(args),
    ]);

    const { account, policy, workload, service, budget, monitor, authentication, scaledObject } =
      renderLanguageEndpoint(args);
    const before = [
      new ServiceAccount(`${name}-account`, account, { parent: this }),
      new NetworkPolicy(`${name}-policy`, policy, { parent: this }),
      ...after,
    ];
    const options = {
      parent: this,
      dependsOn: before,
      ...(args.placed?.isQueued === true ? { ignoreChanges: [...KEPT_QUEUE_LABELS] } : {}),
    };
    const replicas =
      workload.kind === "Deployment"
        ? new Deployment(`${name}-replicas`, workload, options)
        : new CustomResource(`${name}-replicas`, workload, options);
    if (budget !== undefined) {
      new PodDisruptionBudget(`${name}-budget`, budget, { parent: this });
    }
    new Service(`${name}-service`, service, { parent: this, dependsOn: replicas });
    if (monitor !== undefined) {
      new CustomResource(`${name}-monitor`, monitor, { parent: this, dependsOn: [...after] });
    }
    const signed =
      authentication === undefined
        ? []
        : [new CustomResource(`${name}-scaler-identity`, authentication, { parent: this, dependsOn: [...after] })];
    if (scaledObject !== undefined) {
      new CustomResource(`${name}-scaler`, scaledObject, { parent: this, dependsOn: [replicas, ...signed] });
    }

    this.url = endpointUrl(args.endpoint.name, args.namespace);
    this.registerOutputs({ url: this.url });
  }
}
