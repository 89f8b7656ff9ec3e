import { CustomResourceDefinition } from "@pulumi/kubernetes/apiextensions/v1/customResourceDefinition.js";
import { APIService } from "@pulumi/kubernetes/apiregistration/v1/apiservice.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { WorkloadImage } from "../image/component.ts";
import { renderAccess } from "./access.ts";
import { renderDefinitions } from "./definitions.ts";
import {
  renderApiService,
  renderImageArgs,
  renderMetricsServer,
  renderMetricsService,
  renderNamespace,
  renderOperator,
  renderOperatorService,
} from "./render.ts";
import type { AutoscalerArgs } from "./types.ts";

/**
 * KEDA in a cluster that has none: what scales the servers of the models by the requests, also to none and back. It
 * belongs to the cluster more than to the stack: another stack there says that KEDA is `present`.
 *
 * Awaited: the operator and the metrics server, until they are ready; their Services; and the API of external metrics,
 * until the API server reaches it. So what scales works when this is made.
 *
 * The certificates among them are the operator's: it makes them at its first start, in a Secret of its own, and renews
 * them.
 *
 * Whoever declares ScaledObjects depends on it: only while the operator runs can they be removed.
 */
export class Autoscaler extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:Autoscaler";

  constructor(name: string, args: AutoscalerArgs, opts?: ComponentResourceOptions) {
    super(Autoscaler.__pulumiType, name, { ...args }, opts);
    const { namespace } = args;
    const image = new WorkloadImage(name, renderImageArgs(args), { parent: this }).reference;
    const home = new Namespace(`${name}-namespace`, renderNamespace(args), { parent: this });
    const before = [...this.#definitions(name), ...this.#access(name, namespace, home)];

    const rendered = { namespace, image };
    const operator = new Deployment(`${name}-operator`, renderOperator(rendered), { parent: this, dependsOn: before });
    const operatorAddress = new Service(`${name}-operator-service`, renderOperatorService(args), {
      parent: this,
      dependsOn: operator,
    });
    const metrics = new Deployment(`${name}-metrics`, renderMetricsServer(rendered), {
      parent: this,
      dependsOn: operatorAddress,
    });
    const metricsAddress = new Service(`${name}-metrics-service`, renderMetricsService(args), {
      parent: this,
      dependsOn: metrics,
    });
    new APIService(`${name}-api`, renderApiService(args), { parent: this, dependsOn: metricsAddress });

    this.registerOutputs({});
  }

  #definitions(name: string): Resource[] {
    return renderDefinitions().map(
      (definition) =>
        new CustomResourceDefinition(`${name}-${definition.spec.names.plural}`, definition, { parent: this }),
    );
  }

  #access(name: string, namespace: string, home: Namespace): Resource[] {
    const { accounts, clusterRoles, clusterRoleBindings, roles, roleBindings } = renderAccess({ namespace });
    const parent = { parent: this };
    const inside = { parent: this, dependsOn: home };
    const accountsAndRoles = [
      ...accounts.map((each) => new ServiceAccount(`${name}-account-${each.metadata.name}`, each, inside)),
      ...clusterRoles.map((each) => new ClusterRole(`${name}-role-${each.metadata.name}`, each, parent)),
      ...roles.map((each) => new Role(`${name}-namespace-role-${each.metadata.name}`, each, inside)),
    ];
    const bound = { parent: this, dependsOn: accountsAndRoles };
    return [
      ...clusterRoleBindings.map(
        (each) => new ClusterRoleBinding(`${name}-binding-${each.metadata.name}`, each, bound),
      ),
      ...roleBindings.map((each) => new RoleBinding(`${name}-namespace-binding-${each.metadata.name}`, each, bound)),
    ];
  }
}
