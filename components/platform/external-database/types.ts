import type { Input } from "@pulumi/pulumi";
import type { DatabaseConnection } from "../database/types.ts";
import type { ArtifactStore } from "../types.ts";

export interface ExternalDatabaseArgs {
  readonly artifacts: ArtifactStore;
  /** workloads/database, by digest; of it only the client is used. */
  readonly image: Input<string>;
  /** Databases that must be there, e.g. `optuna`. One that is no longer named stays. */
  readonly databases: readonly string[];
  /** The server; its role may create databases. */
  readonly connection: DatabaseConnection;
  /** The role's password, for which the Secret of the connection is made. @default that Secret is there */
  readonly password?: Input<string>;
}
