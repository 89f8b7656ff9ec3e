import { randomBytes } from "node:crypto";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Resource, secret } from "@pulumi/pulumi";
import { throwProblems } from "../problems.ts";
import { PASSWORD_BYTES } from "./defaults.ts";
import {
  renderAccount,
  renderConnection,
  renderDatabasePolicy,
  renderDataClaim,
  renderSecret,
  renderService,
  renderStatefulSet,
} from "./render.ts";
import type { DatabaseArgs, DatabaseConnection } from "./types.ts";
import { validateDatabase } from "./validate.ts";

/**
 * A PostgreSQL server for what has to be shared and kept between pods: the studies of searches. One server, several
 * databases, one role that owns them.
 *
 * The password is made here, once: the first run of the engine keeps it, encrypted, in its state and in the Secret, and
 * later runs leave both as they are. Each generation has a Secret of its own name, which the server's pod names, so a
 * new generation restarts the server, and the server takes over the password it finds at every start. A Secret that
 * somebody removed is made anew with another password, and restarts the server, too.
 *
 * Awaited: the claim, where the data has one of its own, as the Platform's is; the StatefulSet, until the server
 * answers; then the Service, until it reaches the server.
 *
 * A restart takes some seconds and cuts every client off; nothing that was committed is lost. Workers of a running
 * search end at their next word to the database, are started anew and wait for it, and the trials they had are given to
 * whoever asks next. So one restart of the database costs a search at most one restart of each worker.
 */
export class Database extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:Database";

  readonly connection: DatabaseConnection;

  constructor(name: string, args: DatabaseArgs, opts?: ComponentResourceOptions) {
    const { image: _, artifacts, storage, ...plain } = args;
    super(Database.__pulumiType, name, { ...plain, namespace: artifacts.namespace, storage: storage.kind }, opts);
    throwProblems(this, "The database", validateDatabase(args));

    const { passwordGeneration = 1 } = args;
    const password = secret(randomBytes(PASSWORD_BYTES).toString("base64url"));
    const base64 = password.apply((value) => Buffer.from(value).toString("base64"));
    // Of the generation by name, because a Secret that is only renamed would take its ignored data along.
    const passwordSecret = new Secret(`${name}-password-${passwordGeneration}`, renderSecret(args, base64), {
      parent: this,
      ignoreChanges: ["data"],
    });
    const dependsOn: Resource[] = [
      passwordSecret,
      new ServiceAccount(`${name}-account`, renderAccount(args), { parent: this }),
      new NetworkPolicy(`${name}-policy`, renderDatabasePolicy(args), { parent: this }),
    ];
    if (storage.kind === "storageClass") {
      const claim = renderDataClaim(args, storage.storageClassName);
      dependsOn.push(new PersistentVolumeClaim(`${name}-claim`, claim, { parent: this }));
    }
    const server = new StatefulSet(`${name}-server`, renderStatefulSet(args, passwordSecret.metadata.uid), {
      parent: this,
      dependsOn,
    });
    new Service(`${name}-service`, renderService(args), { parent: this, dependsOn: server });

    this.connection = renderConnection(args);
    this.registerOutputs({ connection: this.connection });
  }
}
