import type { PriorityClassArgs } from "@pulumi/kubernetes/scheduling/v1/priorityClass.js";
import { labelsFor } from "../../core/labels.ts";

/** What runs, as far as priorities tell it apart: what the models stand on, servers with their routers, every kind of run. */
export type WorkloadPart = "platform" | "serving" | "rollout" | "training" | "compression" | "search" | "dataset";

export interface Priority {
  /** Of the PriorityClass, and of Kueue's WorkloadPriorityClass beside it. */
  readonly name: string;
  /** Higher goes first. All are far below the system's own, which begin at 2,000,000,000. */
  readonly value: number;
  /** What the scheduler does where a pod of the class finds no room. Kueue's own preemption does not read it. */
  readonly preemptionPolicy: "PreemptLowerPriority" | "Never";
  readonly description: string;
}

/**
 * Who goes first, from the highest to the lowest. One table for all stacks: priorities are compared across a cluster, so two
 * stacks with tables of their own would each have the highest.
 *
 * Only servers, and what they stand on, drive pods out through the scheduler: one server is of use by itself, and somebody waits for its answer. A
 * training never does: the scheduler places a group pod by pod, and half a group that has driven others out computes nothing
 * while it waits for its other half. Whole groups are made room for by Kueue, which preempts and admits them as one.
 *
 * The values leave room between them for classes of a cluster's own. None is the default of the cluster, which is not ours
 * to set: pods without a class have 0 and so are the first that servers drive out, which is why every pod of a stack with
 * `scheduling` is to have one.
 */
export const PRIORITIES = {
  platform: {
    name: "millwright-platform",
    value: 200_000,
    preemptionPolicy: "PreemptLowerPriority",
    description: "What models stand on: the database, what is measured and shown of them.",
  },
  serving: {
    name: "millwright-serving",
    value: 100_000,
    preemptionPolicy: "PreemptLowerPriority",
    description: "Servers of models and their routers: somebody waits for each answer.",
  },
  interactive: {
    name: "millwright-interactive",
    value: 50_000,
    preemptionPolicy: "Never",
    description: "What a person waits for, and the judges of rollouts: short, and before any long run.",
  },
  training: {
    name: "millwright-training",
    value: 10_000,
    preemptionPolicy: "Never",
    description: "Trainings: a model waits for each.",
  },
  compression: {
    name: "millwright-compression",
    value: 5_000,
    preemptionPolicy: "Never",
    description: "Candidates of a model that is trained: the model can serve without them.",
  },
  search: {
    name: "millwright-search",
    value: 2_000,
    preemptionPolicy: "Never",
    description: "Trials of searches: each is short, and a lost one is drawn again.",
  },
  batch: {
    name: "millwright-batch",
    value: 1_000,
    preemptionPolicy: "Never",
    description: "What may run whenever there is room, and the preparation of data.",
  },
} as const satisfies Readonly<Record<string, Priority>>;

const PRIORITY_OF: Readonly<Record<WorkloadPart, Priority>> = {
  platform: PRIORITIES.platform,
  serving: PRIORITIES.serving,
  rollout: PRIORITIES.interactive,
  training: PRIORITIES.training,
  compression: PRIORITIES.compression,
  search: PRIORITIES.search,
  dataset: PRIORITIES.batch,
};

/** The class of a part of a model's life. */
export function priorityOf(part: WorkloadPart): Priority {
  return PRIORITY_OF[part];
}

const labels = labelsFor({ component: "scheduling" });

/** The scheduler's classes. */
export function renderPriorityClasses() {
  return Object.values<Priority>(PRIORITIES).map(
    ({ name, value, preemptionPolicy, description }) =>
      ({
        metadata: { name, labels },
        value,
        preemptionPolicy,
        globalDefault: false,
        description,
      }) satisfies PriorityClassArgs,
  );
}
