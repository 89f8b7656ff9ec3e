import type { ModelSpec, Stack } from "../../stacks/schema.ts";

/** A file or folder a run left in the artifact store. */
export interface Artifact {
  /** Path below the artifact store's root, e.g. `training/mail-triage-training-0f3a.../model`. */
  readonly path: string;
  /** SHA-256 over the files, lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

interface RecordBase {
  /** The model the run belongs to. */
  readonly model: string;
  /** The content-addressed name of the run. */
  readonly run: string;
  /** When the run finished, RFC 3339 in UTC. Written by the run, never read from a clock by `plan`. */
  readonly completedAt: string;
  readonly artifact: Artifact;
  /** Wall time of the run in seconds, over all its restarts. */
  readonly seconds: number;
}

/** What a dataset run found: sizes and label balance of each split. */
export interface DatasetRecord extends RecordBase {
  readonly kind: "dataset";
  readonly labels: readonly string[];
  /** Items a split, and items a label in it. */
  readonly splits: Readonly<
    Record<
      "train" | "validation" | "test",
      { readonly items: number; readonly labels: Readonly<Record<string, number>> }
    >
  >;
  /** Items dropped because the same content was already present. */
  readonly duplicatesDropped: number;
  /** Items of one split found in another; a dataset run with any fails, so this is 0 in every record. */
  readonly leakedItems: number;
}

/** What a training run achieved. Metrics are fractions in [0, 1] on the test split unless the name says otherwise. */
export interface TrainingRecord extends RecordBase {
  readonly kind: "training";
  readonly dataset: string;
  readonly metrics: {
    readonly testAccuracy: number;
    /** Macro-averaged F1. */
    readonly testF1: number;
    readonly validationAccuracy: number;
    /** Accuracy of always answering the most frequent label of the training split. */
    readonly majorityAccuracy: number;
    readonly majorityF1: number;
    /** A multinomial bag-of-words model fitted in the same run on the same split. */
    readonly bagOfWordsAccuracy: number;
    readonly bagOfWordsF1: number;
    readonly [name: string]: number;
  };
  readonly steps: number;
  readonly epochs: number;
  /** Times the run went on from a checkpoint. */
  readonly restarts: number;
  readonly workers: number;
}

/** An immutable record the datacenter itself wrote: one ConfigMap, named by its run. */
export type RunRecord = DatasetRecord | TrainingRecord;

export type RunKind = RunRecord["kind"];

/** What a Job that exists is doing now. */
export interface RunStatus {
  readonly run: string;
  readonly model: string;
  readonly kind: RunKind;
  readonly state: "pending" | "running" | "failed" | "complete";
  /** Why it failed, or what it waits for, in the cluster's words. */
  readonly reason?: string;
}

/** What has happened, as far as the cluster tells. Order carries no meaning. */
export interface Observations {
  readonly records: readonly RunRecord[];
  readonly runs: readonly RunStatus[];
}

export interface DatasetRun {
  readonly kind: "dataset";
  /** `<model>-dataset-<hash>`. */
  readonly name: string;
  readonly model: ModelSpec;
}

export interface TrainingRun {
  readonly kind: "training";
  /** `<model>-training-<hash>`. */
  readonly name: string;
  readonly model: ModelSpec;
  /** The record of the dataset run it reads. */
  readonly dataset: DatasetRecord;
}

/** A version that should serve: the artifact of one training run. */
export interface ServedVersion {
  /** The training run's name: what is served is named by what made it. */
  readonly version: string;
  readonly model: ModelSpec;
  readonly record: TrainingRecord;
}

export type Stage = "dataset" | "training" | "stable" | "failed";

export interface ModelPlan {
  readonly name: string;
  readonly stage: Stage;
  /** One sentence a user can act on: what it waits for or why it failed. */
  readonly reason: string;
  /** The run that should exist now, if any: the one in progress, or the failed one kept for its logs. */
  readonly run?: DatasetRun | TrainingRun;
  /** The version that should serve now. A new run in progress never removes it. */
  readonly live?: ServedVersion;
}

/** Which stage every model is in and which resources should exist now. */
export interface Plan {
  readonly stack: Stack;
  readonly models: readonly ModelPlan[];
  /** No run is pending: nothing more will happen until the stack or the world changes. */
  readonly settled: boolean;
}
