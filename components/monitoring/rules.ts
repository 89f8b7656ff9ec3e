import { renderAlerts } from "./alerts.ts";
import { DRIFT_WINDOW_SECONDS, QUALITY_WINDOW_SECONDS } from "./defaults.ts";
import { slowestRequests } from "./servers.ts";
import type { WatchedModel } from "./types.ts";

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What a rules file holds. Rules of a group are evaluated one after the other, each on what those before it made. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly (RecordingRule | AlertingRule)[] }[];
}

/** Items added to each bucket, as in the reference: PRIOR in workloads/trainer/millwright_workloads/features.py. */
export const PRIOR = 0.5;

/**
 * What is made of a model's series: ratios of requests, errors and latencies, how what it is asked differs from the
 * data it was chosen by, and how its answers compare with the labels people sent. Pure.
 *
 * A ratio of nothing is absent, never 0 or 1.
 */
export function renderRules(model: WatchedModel): RuleFile {
  const rules = [...requestRules(model), ...answerRules(model), ...renderAlerts(model)];
  return { groups: [{ name: model.name, rules }] };
}

/** Windows of the error ratios; the long ones belong to the alerts' burn rates. */
export const ERROR_WINDOWS = ["5m", "30m", "1h", "6h"] as const;

/** As the clients of the routers see them. */
function requestRules(model: WatchedModel): RecordingRule[] {
  const { name } = model;
  const slowest = slowestRequests(model);
  const responses = (more: string) => `haproxy_frontend_http_responses_total{model="${name}",proxy="requests"${more}}`;
  return [
    {
      record: "millwright:requests:rate5m",
      expr: `sum by (model) (rate(${responses("")}[5m]))`,
    },
    ...ERROR_WINDOWS.flatMap((window) => [
      {
        record: `millwright:requests:increase${window}`,
        expr: `sum by (model) (increase(${responses("")}[${window}]))`,
      },
      {
        record: `millwright:error_ratio:rate${window}`,
        expr:
          `sum by (model) (rate(${responses(',code="5xx"')}[${window}])) ` +
          `/ (sum by (model) (rate(${responses("")}[${window}])) > 0)`,
      },
    ]),
    ...(slowest === undefined ? [] : [{ record: "millwright:latency_seconds:p99_5m", expr: slowest }]),
  ];
}

/**
 * The population stability index of each feature, sum over buckets of (a - e) * ln(a / e) (Siddiqi, "Credit Risk
 * Scorecards", 2006), of what was served in the window (a) against the reference (e). Both have PRIOR added to each
 * bucket, so that one nobody fell into has no infinite part.
 */
function answerRules({ name, watch }: WatchedModel): RecordingRule[] {
  const only = `{model="${name}"}`;
  const drift = watch.drift?.windowSeconds ?? DRIFT_WINDOW_SECONDS;
  const quality = watch.quality?.windowSeconds ?? QUALITY_WINDOW_SECONDS;
  return [
    {
      record: "millwright:served_items_by_bucket",
      expr: `sum by (model, version, feature, bucket) (increase(millwright_served_items_total${only}[${drift}s]))`,
    },
    {
      record: "millwright:served_items",
      expr: `sum by (model, version) (millwright:served_items_by_bucket{model="${name}",feature="label"})`,
    },
    {
      record: "millwright:served_fraction",
      expr:
        `(millwright:served_items_by_bucket${only} + ${PRIOR}) / ignoring(bucket) group_left() ` +
        `sum by (model, version, feature) (millwright:served_items_by_bucket${only} + ${PRIOR})`,
    },
    {
      record: "millwright:expected_fraction",
      expr: `max by (model, version, feature, bucket) (millwright_reference_fraction${only})`,
    },
    {
      record: "millwright:psi",
      expr:
        `sum by (model, version, feature) ((millwright:served_fraction${only} - millwright:expected_fraction${only}) ` +
        `* ln(millwright:served_fraction${only} / millwright:expected_fraction${only}))`,
    },
    {
      record: "millwright:labelled_items",
      expr: `sum by (model, version, outcome) (increase(millwright_labelled_items_total${only}[${quality}s]))`,
    },
    {
      // Also of a version whose servers sleep: its labels are still in the window.
      record: "millwright:recorded_accuracy",
      expr: `max by (model, version) (max_over_time(millwright_recorded_accuracy${only}[${quality}s]))`,
    },
    {
      record: "millwright:accuracy",
      expr:
        `sum by (model, version) (millwright:labelled_items{model="${name}",outcome="right"}) ` +
        `/ (sum by (model, version) (millwright:labelled_items${only}) > 0)`,
    },
  ];
}
