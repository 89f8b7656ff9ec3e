import type { PlatformSpec, StorageSpec } from "../../stacks/schema.ts";

/** What the platform of a stack is made of; see `platform` in stacks/schema.ts for units and defaults. */
export interface PlatformArgs extends Pick<PlatformSpec, "namespace"> {
  readonly storage: StorageSpec;
  /**
   * Whether the namespace is made here. A team's is made where its quotas are, with the queues in it: see Scheduling in
   * components/compute.
   *
   * @default true
   */
  readonly makesNamespace?: boolean;
}

/** Where the artifacts lie, for those who mount them. */
export interface ArtifactStore {
  readonly namespace: string;
  /** The ReadWriteMany claim; a container mounts only its own folders of it. */
  readonly claimName: string;
}
