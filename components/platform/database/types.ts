import type { Input } from "@pulumi/pulumi";
import type { Resources } from "../../../stacks/schema.ts";
import type { Placements } from "../../compute/scheduling/queue.ts";
import type { ArtifactStore, PlatformArgs } from "../types.ts";

export interface DatabaseArgs {
  readonly artifacts: ArtifactStore;
  /** Decides where the data lies: in a folder of the artifact store's node, or in a claim of its own. */
  readonly storage: PlatformArgs["storage"];
  /** workloads/database, by digest. */
  readonly image: Input<string>;
  /** Databases that must be there, e.g. `optuna`. One that is no longer named stays. */
  readonly databases: readonly string[];
  /** Processes that use the server at the same time: the search workers of all models together. */
  readonly clients: number;
  /**
   * Raise it to have a new password; the server takes it over at once. The Job of a search under way names the old one,
   * which is gone, so do it between searches. Otherwise remove that Job (`kubectl delete job <run>`): the next `up` makes
   * it anew with the new password, and its study goes on.
   *
   * @default 1
   */
  readonly passwordGeneration?: number;
  /** What keeps the cluster's priorities. @default it has none of ours */
  readonly placements?: Placements | undefined;
  /** @default enough for so many clients */
  readonly resources?: Resources;
}

/**
 * How a client of the stack's namespace reaches the server; the password is only ever a file, mounted from a Secret.
 */
export interface DatabaseConnection {
  readonly host: Input<string>;
  readonly port: number;
  readonly user: string;
  readonly secretName: string;
  /** The member of the Secret that holds the password. */
  readonly secretKey: string;
  /**
   * libpq's `sslmode`, as the server calls for it.
   *
   * @default what libpq does by itself: TLS where the server offers it
   */
  readonly sslMode?: "require" | "prefer";
}
