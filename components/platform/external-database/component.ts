import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ComponentResource, type ComponentResourceOptions, secret } from "@pulumi/pulumi";
import type { DatabaseConnection } from "../database/types.ts";
import { validateDatabase } from "../database/validate.ts";
import { throwProblems } from "../problems.ts";
import { renderPassword, renderSetup } from "./render.ts";
import type { ExternalDatabaseArgs } from "./types.ts";

/**
 * Databases on a PostgreSQL server that somebody else runs, such as one of RDS: backups, upgrades and the password's
 * rotation are theirs. Awaited: the Job that makes the databases which are not there.
 */
export class ExternalDatabase extends ComponentResource {
  static readonly __pulumiType = "millwright:platform:ExternalDatabase";

  readonly connection: DatabaseConnection;

  constructor(name: string, args: ExternalDatabaseArgs, opts?: ComponentResourceOptions) {
    const { databases, connection, artifacts } = args;
    const plain = { databases, host: connection.host, namespace: artifacts.namespace };
    super(ExternalDatabase.__pulumiType, name, plain, opts);
    throwProblems(this, "The database", validateDatabase({ databases, clients: 1 }));

    const { password } = args;
    const dependsOn =
      password === undefined
        ? []
        : [new Secret(`${name}-password`, renderPassword(args, secret(password)), { parent: this })];
    // What it does is in its name. Anything else, such as its image, is no reason to do it again.
    new Job(`${name}-setup`, renderSetup(args), { parent: this, dependsOn, ignoreChanges: ["spec"] });

    this.connection = connection;
    this.registerOutputs({ connection });
  }
}
