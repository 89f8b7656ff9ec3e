/** The label that ties an object to a run; its value is the run's name. */
export const RUN_LABEL = "millwright.dev/run";

/** The label that ties an object to a model; its value is the model's name. */
export const MODEL_LABEL = "millwright.dev/model";

/** The label of record ConfigMaps; its value is the record's kind. */
export const RECORD_LABEL = "millwright.dev/record";

/** The label of the nodes of a pool and of what is declared for it; its value is the pool's name. */
export const POOL_LABEL = "millwright.dev/pool";

/** The label of nodes that have accelerators; its value is the accelerator's name in components/catalog. */
export const ACCELERATOR_LABEL = "millwright.dev/accelerator";

/** The label of the part an object plays; of a run's Job it is the run's kind. */
export const COMPONENT_LABEL = "app.kubernetes.io/component";

const VERSION_LABEL = "app.kubernetes.io/version";

/** The parts an object can play. */
export type ComponentName =
  | "dataset"
  | "search"
  | "training"
  | "compression"
  | "rollout"
  | "serving"
  | "serving-worker"
  | "router"
  | "database"
  | "autoscaler"
  | "autoscaler-metrics"
  | "prometheus"
  | "watcher"
  | "tracking"
  | "mirror"
  | "pool"
  | "simulation"
  | "scheduling"
  | "platform";

export interface LabelOptions {
  /** What plays the part. */
  readonly component: ComponentName;
  /** The model it belongs to. @default none: the object belongs to the platform */
  readonly model?: string;
  /** The run it belongs to. @default none */
  readonly run?: string;
  /** The served version, for what is made anew with each. @default none */
  readonly version?: string;
  /** The pool of nodes it is declared for. @default none */
  readonly pool?: string;
}

export type Labels = Readonly<Record<string, string>>;

/** The labels of every object and pod template: all labels come from here. */
export function labelsFor(options: LabelOptions): Labels {
  const { component, model, run, version, pool } = options;
  return {
    "app.kubernetes.io/name": model ?? "millwright",
    [COMPONENT_LABEL]: component,
    "app.kubernetes.io/part-of": "millwright",
    "app.kubernetes.io/managed-by": "pulumi",
    ...(model === undefined ? {} : { [MODEL_LABEL]: model }),
    ...(run === undefined ? {} : { [RUN_LABEL]: run }),
    ...(version === undefined ? {} : { [VERSION_LABEL]: version }),
    ...(pool === undefined ? {} : { [POOL_LABEL]: pool }),
  };
}

/** {@link labelsFor} minus what changes from version to version: selectors are immutable, so they must outlive both. */
export function selectorLabelsFor(options: LabelOptions): Labels {
  return Object.fromEntries(
    Object.entries(labelsFor(options)).filter(([label]) => label !== VERSION_LABEL && label !== RUN_LABEL),
  );
}
