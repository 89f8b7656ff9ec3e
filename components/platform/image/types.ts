import type { Input } from "@pulumi/pulumi";

/** An image built from a folder of this machine and pushed to the stack's registry. */
export interface WorkloadImageArgs {
  /** Repository below the registry, e.g. `trainer`. */
  readonly image: string;
  /** `host[:port][/path]`, without a scheme. */
  readonly registry: string;
  /** The build context, relative to the repository, so that the state is the same wherever it is cloned. */
  readonly context: string;
  /** The Dockerfile, relative to the repository; it may lie outside the context. */
  readonly dockerfile: string;
  /** Build arguments; values may come from other images. @default none */
  readonly buildArgs?: Readonly<Record<string, Input<string>>>;
  /** SHA-256, in hexadecimal, of everything the image is built from; its first characters are the tag. */
  readonly contentHash: string;
}
