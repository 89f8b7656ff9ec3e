import type { Input } from "@pulumi/pulumi";
import type { Placements } from "../compute/scheduling/queue.ts";
import type { CompressionRun, DatasetRun, RolloutRun, Run, SearchRun, TrainingRun } from "../lifecycle/types.ts";
import type { DatabaseConnection } from "../platform/database/types.ts";
import type { ArtifactStore } from "../platform/types.ts";

/** Where a run runs and what it runs; the run itself says the rest. */
export interface RunContext {
  readonly artifacts: ArtifactStore;
  /** The account the recorder writes the record with; see RunIdentity. */
  readonly serviceAccountName: string;
  readonly images: {
    /** Keeps workloads/CONTRACT.md. By digest. */
    readonly workload: Input<string>;
    /** By digest. */
    readonly recorder: Input<string>;
  };
  /** The pools that runs may name, and what keeps the cluster's quotas. @default no pools, priorities or quotas */
  readonly placements?: Placements | undefined;
}

export interface RunArgs<R extends Run> extends RunContext {
  readonly run: R;
}

/** The workload is the image with the model's raw data; for a source that is built in, the trainer itself. */
export type DatasetJobArgs = RunArgs<DatasetRun>;

export interface SearchJobArgs extends RunArgs<SearchRun> {
  /** The server that holds the study; see Database in components/platform/database. */
  readonly database: DatabaseConnection;
}

export type TrainingJobArgs = RunArgs<TrainingRun>;

export type CompressionJobArgs = RunArgs<CompressionRun>;

export interface RolloutJobArgs extends RunArgs<RolloutRun> {
  readonly urls: RolloutUrls;
}

/** Where the judge reaches what it judges. */
export interface RolloutUrls {
  /** The candidate's own address, past the router: `http://host:port`. */
  readonly candidate: Input<string>;
  /** The stable version's own address; there must be one where the run has a stable version. */
  readonly stable?: Input<string>;
  /** The router's counters, `http://host:port/metrics`. The host may stand for several routers: they are added up. */
  readonly routerMetrics: Input<string>;
}

export interface RunIdentityArgs {
  readonly model: string;
  readonly namespace: string;
}
