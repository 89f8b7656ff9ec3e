import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { ComponentResource, type ComponentResourceOptions, interpolate, type Output } from "@pulumi/pulumi";
import { REGISTRY_PORT } from "./defaults.ts";
import { renderMirror, renderMirrorIdentity } from "./mirror.ts";
import { renderServer, renderServerAccount, renderServerPolicy, renderService } from "./server.ts";
import type { RegistryArgs } from "./types.ts";

/**
 * MLflow, where people see every run of every model and every version with where it comes from; and the mirror that puts
 * it there from the records. Nothing of the lifecycle reads it: records say what has happened, MLflow shows it. So it may
 * be away or lost, and comes back complete.
 *
 * Its artifacts are copies, in a folder of its own: it takes no version whose files it does not keep itself. They go on
 * being there when the runs' own were cleaned up.
 *
 * The database must be there; its caller sees to it. Awaited: the server, until it reads its database. Not the mirror.
 */
export class Registry extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:Registry";

  /** `http://<cluster address>:5000`, reachable from the cluster's nodes and pods. */
  readonly url: Output<string>;

  constructor(name: string, args: RegistryArgs, opts?: ComponentResourceOptions) {
    const plain = { namespace: args.artifacts.namespace, database: args.database.host };
    super(Registry.__pulumiType, name, plain, opts);

    const account = new ServiceAccount(`${name}-account`, renderServerAccount(args), { parent: this });
    const service = new Service(`${name}-service`, renderService(args), { parent: this });
    const policy = new NetworkPolicy(`${name}-policy`, renderServerPolicy(args), { parent: this });
    const server = new Deployment(`${name}-server`, renderServer(args, service.spec.clusterIP), {
      parent: this,
      dependsOn: [account, service, policy],
    });

    const identity = renderMirrorIdentity(args);
    const bound = [
      new ServiceAccount(`${name}-mirror-account`, identity.serviceAccount, { parent: this }),
      new Role(`${name}-mirror-role`, identity.role, { parent: this }),
    ];
    const binding = new RoleBinding(`${name}-mirror-binding`, identity.binding, { parent: this, dependsOn: bound });
    // After the server, so that it need not say that there is none yet.
    new Deployment(`${name}-mirror`, renderMirror(args), { parent: this, dependsOn: [binding, server] });

    this.url = interpolate`http://${service.spec.clusterIP}:${REGISTRY_PORT}`;
    this.registerOutputs({ url: this.url });
  }
}
