import type { Input } from "@pulumi/pulumi";
import type { EngineSpec } from "../../stacks/engines.ts";
import type { Resources, WatchSpec } from "../../stacks/schema.ts";
import type { Placements } from "../compute/scheduling/queue.ts";
import type { ArtifactStore, PlatformArgs } from "../platform/types.ts";

/** A model whose endpoint is looked at. */
export interface WatchedModel {
  readonly name: string;
  /** See `watch` in stacks/schema.ts. */
  readonly watch: WatchSpec;
  /** What answers for it, which decides where its metrics are and what they are called. @default MLServer */
  readonly engine?: EngineSpec;
}

export interface PrometheusArgs {
  readonly artifacts: ArtifactStore;
  /** Decides where the data lies: in a folder of the artifact store's node, or in a claim of its own. */
  readonly storage: PlatformArgs["storage"];
  /** workloads/prometheus, by digest. */
  readonly image: Input<string>;
  readonly models: readonly WatchedModel[];
  /** What keeps the cluster's priorities. @default it has none of ours */
  readonly placements?: Placements | undefined;
  /** Seconds between two looks at a target, and at the rules. @default 10 */
  readonly scrapeSeconds?: number;
  /** @default enough for a few dozen models */
  readonly resources?: Resources;
}

export interface WatcherArgs {
  readonly artifacts: ArtifactStore;
  /** workloads/recorder, by digest. */
  readonly image: Input<string>;
  readonly models: readonly WatchedModel[];
  /** Where Prometheus is asked: `http://host:port`. */
  readonly prometheusUrl: Input<string>;
  /** What keeps the cluster's priorities. @default it has none of ours */
  readonly placements?: Placements | undefined;
}
