import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { throwProblems } from "../platform/problems.ts";
import { prometheusUrl } from "./addresses.ts";
import {
  renderAccount,
  renderConfig,
  renderDataClaim,
  renderPrometheusPolicy,
  renderServersService,
  renderService,
  renderStatefulSet,
} from "./render.ts";
import type { PrometheusArgs, WatcherArgs } from "./types.ts";
import { validateModels, validatePrometheus } from "./validate.ts";
import { renderWatchConfig, renderWatcher, renderWatcherIdentity } from "./watcher.ts";

/**
 * A Prometheus that looks at the routers and servers of the models of a stack, and makes ratios, indices of drift and
 * alerts of what it finds. It needs no right in the cluster: it finds them by the names of headless Services.
 *
 * Its data lies where the database's does: in a folder of the artifact store's node, or in a claim of its own. A window
 * of days would otherwise begin anew with every restart, and every change of what is watched is one.
 *
 * Awaited: the StatefulSet, until it answers; then its Service. The Services of the models' servers are not: they have
 * nobody to lead to before the first version.
 */
export class Prometheus extends ComponentResource {
  static readonly __pulumiType = "millwright:monitoring:Prometheus";

  /** `http://host:port`, for whoever is in the cluster. */
  readonly url: string;

  constructor(name: string, args: PrometheusArgs, opts?: ComponentResourceOptions) {
    super(Prometheus.__pulumiType, name, { models: args.models, storage: args.storage.kind }, opts);
    throwProblems(this, "Prometheus", validatePrometheus(args));

    const config = renderConfig(args);
    const dependsOn: Resource[] = [
      new ConfigMap(`${name}-config`, config, { parent: this }),
      new ServiceAccount(`${name}-account`, renderAccount(args), { parent: this }),
      new NetworkPolicy(`${name}-policy`, renderPrometheusPolicy(args), { parent: this }),
    ];
    const { storage } = args;
    if (storage.kind === "storageClass") {
      const claim = renderDataClaim(args, storage.storageClassName);
      dependsOn.push(new PersistentVolumeClaim(`${name}-claim`, claim, { parent: this }));
    }
    for (const model of args.models) {
      const servers = renderServersService(model, args);
      if (servers !== undefined) {
        new Service(`${model.name}-servers`, servers, { parent: this });
      }
    }
    const server = new StatefulSet(`${name}-server`, renderStatefulSet(args, config.metadata.name), {
      parent: this,
      dependsOn,
    });
    new Service(`${name}-service`, renderService(args), { parent: this, dependsOn: server });

    this.url = prometheusUrl(args.artifacts.namespace);
    this.registerOutputs({ url: this.url });
  }
}

/**
 * The watcher of a stack: asks Prometheus, and writes the record of a trigger where a model should be trained again.
 * What follows from that is `plan`'s.
 *
 * Awaited: the Deployment, until it runs.
 */
export class Watcher extends ComponentResource {
  static readonly __pulumiType = "millwright:monitoring:Watcher";

  constructor(name: string, args: WatcherArgs, opts?: ComponentResourceOptions) {
    super(Watcher.__pulumiType, name, { models: args.models, prometheusUrl: args.prometheusUrl }, opts);
    throwProblems(this, "The watcher", validateModels(args.models));

    const config = renderWatchConfig(args);
    const { serviceAccount, role, binding } = renderWatcherIdentity(args);
    const bound = [
      new ServiceAccount(`${name}-account`, serviceAccount, { parent: this }),
      new Role(`${name}-role`, role, { parent: this }),
    ];
    const dependsOn = [
      new ConfigMap(`${name}-config`, config, { parent: this }),
      new RoleBinding(`${name}-binding`, binding, { parent: this, dependsOn: bound }),
    ];
    new Deployment(`${name}-deployment`, renderWatcher(args, config.metadata.name), { parent: this, dependsOn });
    this.registerOutputs({});
  }
}
