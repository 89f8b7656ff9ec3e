import type { Input } from "@pulumi/pulumi";
import type { Resources } from "../../../stacks/schema.ts";
import type { Placements } from "../../compute/scheduling/queue.ts";
import type { DatabaseConnection } from "../database/types.ts";
import type { ArtifactStore } from "../types.ts";

export interface RegistryArgs {
  readonly artifacts: ArtifactStore;
  /** workloads/mlflow, by digest. */
  readonly image: Input<string>;
  /** The server that holds {@link REGISTRY_DATABASE}; its password is only ever a file. */
  readonly database: DatabaseConnection;
  /** What keeps the cluster's priorities. @default it has none of ours */
  readonly placements?: Placements | undefined;
  /**
   * `s3://bucket/prefix` that the server keeps its copies of artifacts in; the rights are its account's.
   *
   * @default a folder of the artifact store
   */
  readonly bucket?: string;
  /** @default SERVER_RESOURCES */
  readonly resources?: Resources;
}
