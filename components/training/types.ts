import type { Input } from "@pulumi/pulumi";
import type { DatasetRun, TrainingRun } from "../lifecycle/types.ts";
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
}

export interface DatasetJobArgs extends RunContext {
  readonly run: DatasetRun;
}

export interface TrainingJobArgs extends RunContext {
  readonly run: TrainingRun;
}

export interface RunIdentityArgs {
  readonly model: string;
  readonly namespace: string;
}
