import { serverOf } from "../catalog/engines.ts";
import type { LatencyMetric, MetricsEndpoint } from "../catalog/types.ts";
import type { WatchedModel } from "./types.ts";

/** Where a model's servers tell their metrics; undefined where they tell none. */
export function metricsOf({ name, engine = { kind: "mlserver" } }: WatchedModel): MetricsEndpoint | undefined {
  return serverOf(engine, name).metrics;
}

/** The 99th percentile of the seconds a request takes, by model; undefined where only a mean could be told. */
export function slowestRequests(model: WatchedModel): string | undefined {
  const latency = metricsOf(model)?.latency;
  if (latency?.kind !== "histogram") {
    return undefined;
  }
  const series = `${latency.name}_bucket{${selector(model.name, latency)}}`;
  const quantile = `histogram_quantile(0.99, sum by (model, le) (rate(${series}[5m])))`;
  return latency.perSecond === 1 ? quantile : `${quantile} / ${latency.perSecond}`;
}

function selector(model: string, { labels }: Extract<LatencyMetric, { kind: "histogram" }>): string {
  return Object.entries({ model, ...labels })
    .map(([label, value]) => `${label}="${value}"`)
    .join(",");
}
