import type { Input } from "@pulumi/pulumi";

export interface AutoscalerArgs {
  /** Its own namespace, made and removed with it. */
  readonly namespace: string;
  /** An image with KEDA's programs `/keda` and `/keda-adapter`, by name. */
  readonly image: string;
  /** Where the image is copied to, so that pods can name it by digest: the stack's registry. */
  readonly registry: string;
}

/** What the objects are rendered from. */
export interface RenderArgs {
  readonly namespace: string;
  /** By digest. */
  readonly image: Input<string>;
}
