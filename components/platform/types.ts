import type { PlatformSpec } from "../../stacks/schema.ts";

/** What the platform of a stack is made of; see `platform` in stacks/schema.ts for units and defaults. */
export type PlatformArgs = Pick<PlatformSpec, "namespace" | "storage">;

/** Where the artifacts lie, for those who mount them. */
export interface ArtifactStore {
  readonly namespace: string;
  /** The ReadWriteMany claim; a container mounts only its own folders of it. */
  readonly claimName: string;
}
