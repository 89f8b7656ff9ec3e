import type { PrometheusArgs, WatchedModel, WatcherArgs } from "../../../components/monitoring/types.ts";
import { watchSchema } from "../../../stacks/schema.ts";

/** Watched with the schema's defaults, in every way there is. */
export const TRIAGE: WatchedModel = {
  name: "mail-triage",
  watch: watchSchema.parse({ drift: {}, quality: {}, schedule: { everyHours: 24 } }),
};

/** Only looked at: nothing follows from it. */
export const DIGITS: WatchedModel = { name: "digits", watch: watchSchema.parse({}) };

export const ARGS: PrometheusArgs = {
  artifacts: { namespace: "models", claimName: "artifacts" },
  storage: { kind: "node", node: "worker", path: "/srv/artifacts", sizeGiB: 20 },
  image: "prometheus@sha256:1",
  models: [TRIAGE, DIGITS],
};

export const ON_CLASS: PrometheusArgs = {
  ...ARGS,
  storage: { kind: "storageClass", storageClassName: "ssd", sizeGiB: 20 },
};

export const WATCHER_ARGS: WatcherArgs = {
  artifacts: ARGS.artifacts,
  image: "recorder@sha256:2",
  models: ARGS.models,
  prometheusUrl: "http://prometheus.models.svc.cluster.local:9090",
};
