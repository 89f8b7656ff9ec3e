import type { Input } from "@pulumi/pulumi";
import type { ServedVersion } from "../lifecycle/types.ts";
import type { ArtifactStore } from "../platform/types.ts";

export interface EndpointArgs {
  /** The version that serves. A new one takes over from the old one when it is ready, not before. */
  readonly live: ServedVersion;
  readonly artifacts: ArtifactStore;
  /** A server of the Open Inference Protocol (V2), by digest. */
  readonly image: Input<string>;
}
