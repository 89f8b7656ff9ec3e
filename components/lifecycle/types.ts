import type { CandidateSpec, ModelSpec, Stack } from "../../stacks/schema.ts";
import type { ParameterValue } from "../core/parameters.ts";

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

/** What a search found. */
export interface SearchRecord extends RecordBase {
  readonly kind: "search";
  readonly dataset: string;
  readonly best: {
    /** By path in the model's training, e.g. `network.channels`. */
    readonly parameters: Readonly<Record<string, ParameterValue>>;
    /** One an objective, in their order. */
    readonly values: readonly number[];
  };
  readonly trials: { readonly completed: number; readonly pruned: number; readonly failed: number };
}

/** A training whose weights another one starts from. */
export interface TrainingBase {
  /** The name of its run. */
  readonly run: string;
  /** SHA-256 of what it left to be served, as its record has it. */
  readonly sha256: string;
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
    /** The simple model of the task, fitted in the same run on the same split: bag of words, logistic regression. */
    readonly simpleAccuracy: number;
    readonly simpleF1: number;
    readonly [name: string]: number;
  };
  readonly steps: number;
  readonly epochs: number;
  /** Times the run went on from a checkpoint. */
  readonly restarts: number;
  readonly workers: number;
  /** What of the run's spec the plan reads; absent in records of before they held one. */
  readonly spec?: { readonly base?: TrainingBase | undefined } | undefined;
}

/** What one model file does on the serving runtime, on one core, one item a request. */
export interface Measurement {
  readonly testAccuracy: number;
  readonly testF1: number;
  /** Size of the network's file. */
  readonly bytes: number;
  readonly parameters: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly throughputPerSecond: number;
  /** Fraction of the baseline's parameters that are gone. */
  readonly sparsity: number;
}

/** What became of one compression candidate, measured beside its baseline in the same process. */
export interface CompressionRecord extends RecordBase {
  readonly kind: "compression";
  /** The training run that made the baseline. */
  readonly training: string;
  /** The candidate's name in the stack file. */
  readonly candidate: string;
  readonly baseline: Measurement;
  readonly result: Measurement;
}

/** How one version answered while a rollout step was watched. */
export interface VersionEvidence {
  /** Requests the judge sent, and those of them that got no answer or a wrong status. */
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** On the labelled items the judge sent. */
  readonly accuracy: number;
  /** Requests of others that the router counted, and those of them answered with 5xx or not at all. */
  readonly liveRequests: number;
  readonly liveErrors: number;
}

/** The verdict on one step of a rollout. */
export interface RolloutRecord extends RecordBase {
  readonly kind: "rollout";
  /** The version on trial. */
  readonly candidate: string;
  /** The version it was compared with; null for a model's first version. */
  readonly stable: string | null;
  /** From 0. */
  readonly step: number;
  /** Percent of the requests that went to the candidate. */
  readonly weight: number;
  readonly verdict: "advance" | "promote" | "rollback";
  /** Why it was rolled back, one sentence with number and limit each. */
  readonly reasons: readonly string[];
  readonly evidence: {
    readonly candidate: VersionEvidence;
    readonly stable: VersionEvidence | null;
    /** Fraction of items both versions answered alike; null without a stable version. */
    readonly agreement: number | null;
  };
}

/** Why a model should be trained again though nobody changed its stack: written by the watcher, not by a run. */
export interface TriggerRecord extends RecordBase {
  readonly kind: "trigger";
  readonly reason: "drift" | "quality" | "schedule";
  /** The version that served. */
  readonly version: string;
}

/** An immutable record the datacenter itself wrote: one ConfigMap, named by its run. */
export type RunRecord =
  | DatasetRecord
  | SearchRecord
  | TrainingRecord
  | CompressionRecord
  | RolloutRecord
  | TriggerRecord;

/** What a run can be; a trigger's record comes from no run. */
export type RunKind = Exclude<RunRecord["kind"], "trigger">;

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
  /** What asked for it, where it was not the stack: it then also reads what was captured in service. */
  readonly trigger?: TriggerRecord;
}

export interface SearchRun {
  readonly kind: "search";
  /** `<model>-search-<hash>`. */
  readonly name: string;
  readonly model: ModelSpec;
  readonly search: NonNullable<ModelSpec["search"]>;
  readonly dataset: DatasetRecord;
  /** Names the study: what determines a single trial, so that a search with more trials goes on with those there are. */
  readonly study: string;
}

export interface TrainingRun {
  readonly kind: "training";
  /** `<model>-training-<hash>`. */
  readonly name: string;
  readonly model: ModelSpec;
  /** The model's training with what a search found put in. */
  readonly training: ModelSpec["training"];
  /** The record of the dataset run it reads. */
  readonly dataset: DatasetRecord;
  /** What it starts from; absent where that is from scratch. */
  readonly base?: TrainingBase;
}

export interface CompressionRun {
  readonly kind: "compression";
  /** `<model>-compression-<hash>`. */
  readonly name: string;
  readonly model: ModelSpec;
  readonly training: ModelSpec["training"];
  readonly dataset: DatasetRecord;
  /** The record of what is compressed. */
  readonly baseline: TrainingRecord;
  readonly candidate: CandidateSpec;
}

export interface RolloutRun {
  readonly kind: "rollout";
  /** `<model>-rollout-<hash>`. */
  readonly name: string;
  readonly model: ModelSpec;
  /** The record of the dataset whose labelled test items the judge sends. */
  readonly dataset: DatasetRecord;
  readonly candidate: ServedVersion;
  readonly stable?: ServedVersion;
  /** From 0. */
  readonly step: number;
  /** Percent of the requests that go to the candidate in each step; one step of 100 for a model's first version. */
  readonly weights: readonly number[];
  /** Whether the candidate was trained because of what was seen in service. */
  readonly triggered: boolean;
}

export type Run = DatasetRun | SearchRun | TrainingRun | CompressionRun | RolloutRun;

/** A version that can serve: the artifact of one training or compression run. */
export interface ServedVersion {
  /** The name of the run that made what is served. */
  readonly version: string;
  readonly model: ModelSpec;
  readonly record: TrainingRecord | CompressionRecord;
  /** The training run it comes from: itself, or what was compressed. */
  readonly training: TrainingRecord;
}

/** One version the gate looked at. */
export interface GateEntry {
  /** `baseline`, or the candidate's name in the stack file. */
  readonly candidate: string;
  readonly version: string;
  /** On the test split; absent where the candidate's run failed. */
  readonly accuracy?: number;
  /** Absent where it failed, or where nothing was compressed and so nothing measured on the serving runtime. */
  readonly measurement?: Measurement;
  /** Why it was not chosen, with the numbers; absent for the chosen one. */
  readonly rejected?: string;
}

/** What the gate decided, and why. */
export interface GateDecision {
  /** The version that goes on to a rollout; absent where none passed. */
  readonly chosen?: string;
  readonly entries: readonly GateEntry[];
}

export type Stage =
  | "dataset"
  | "search"
  | "training"
  | "compression"
  | "canary"
  | "stable"
  | "rejected"
  | "rolledBack"
  | "failed";

export interface ModelPlan {
  readonly name: string;
  readonly stage: Stage;
  /** One sentence a user can act on: what it waits for or why it failed. */
  readonly reason: string;
  /** The runs that should exist now: those in progress, and failed ones kept for their logs. */
  readonly runs: readonly Run[];
  /** The version that serves. A new run in progress never removes it. */
  readonly stable?: ServedVersion;
  /** The version on trial, and the percent of the requests it gets. */
  readonly canary?: { readonly version: ServedVersion; readonly weight: number };
  /** What the gate decided of the newest version, where it was asked. */
  readonly gate?: GateDecision;
}

/** Which stage every model is in and which resources should exist now. */
export interface Plan {
  readonly stack: Stack;
  readonly models: readonly ModelPlan[];
  /** No run is pending: nothing more will happen until the stack or the world changes. */
  readonly settled: boolean;
}
