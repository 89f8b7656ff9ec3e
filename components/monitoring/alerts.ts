import {
  DRIFT_MIN_REQUESTS,
  ERROR_BUDGET,
  PROMETHEUS_NAME,
  QUALITY_MAX_ACCURACY_DROP,
  QUALITY_MIN_LABELS,
  QUALITY_SUSTAIN_SECONDS,
  SHIFT_SUSTAIN_SECONDS,
  SHIFT_THRESHOLD,
  SLOW_SECONDS,
} from "./defaults.ts";
import type { AlertingRule, RuleFile } from "./rules.ts";
import type { WatchedModel } from "./types.ts";

export type Severity = "info" | "warning" | "critical";

/** Requests an error ratio must be of: of three requests one that fails is nothing to wake anybody for. */
const LEAST_REQUESTS = 20;

/** The page that says what to do about an alert. */
export function runbookOf(name: string): string {
  return `docs/runbooks/${name}.md`;
}

function alert(name: string, severity: Severity, forTime: string, expr: string, summary: string): AlertingRule {
  return {
    alert: name,
    expr,
    for: forTime,
    labels: { severity },
    annotations: { summary, runbook: runbookOf(name) },
  };
}

/** What somebody should know of a model's endpoint. */
export function renderAlerts({ name, watch }: WatchedModel): AlertingRule[] {
  const only = `{model="${name}"}`;
  const threshold = watch.drift?.threshold;
  const leastItems = watch.drift?.minRequests ?? DRIFT_MIN_REQUESTS;
  const drop = watch.quality?.maxAccuracyDrop ?? QUALITY_MAX_ACCURACY_DROP;
  const leastLabels = watch.quality?.minLabels ?? QUALITY_MIN_LABELS;
  const enough = `on (model, version) millwright:served_items${only} >= ${leastItems}`;
  return [
    alert(
      "EndpointErrors",
      "critical",
      "2m",
      burning(only, "5m", "1h", 14.4),
      "{{ $labels.model }}: {{ $value | humanizePercentage }} of the requests fail",
    ),
    alert(
      "EndpointErrorsLasting",
      "warning",
      "15m",
      burning(only, "30m", "6h", 6),
      "{{ $labels.model }}: {{ $value | humanizePercentage }} of the requests have failed for hours",
    ),
    alert(
      "EndpointSlow",
      "warning",
      "10m",
      `millwright:latency_seconds:p99_5m${only} > ${SLOW_SECONDS}`,
      "{{ $labels.model }}: the slowest hundredth of the requests takes {{ $value | humanizeDuration }}",
    ),
    alert(
      "FeatureShifted",
      "info",
      `${SHIFT_SUSTAIN_SECONDS}s`,
      `millwright:psi${only} > ${SHIFT_THRESHOLD} and ${enough}`,
      "{{ $labels.model }}: {{ $labels.feature }} is no longer quite as in the data (index {{ $value | humanize }})",
    ),
    ...(threshold === undefined
      ? []
      : [
          alert(
            "FeatureDrifted",
            "warning",
            `${watch.drift?.sustainSeconds ?? 0}s`,
            `millwright:psi${only} >= ${threshold} and ${enough}`,
            "{{ $labels.model }}: {{ $labels.feature }} is another than in the data (index {{ $value | humanize }})",
          ),
        ]),
    alert(
      "AccuracyFallen",
      "warning",
      `${QUALITY_SUSTAIN_SECONDS}s`,
      `millwright:accuracy${only} < on (model, version) ` +
        `${Number((1 - drop).toPrecision(12))} * millwright:recorded_accuracy${only} and ` +
        `on (model, version) sum by (model, version) (millwright:labelled_items${only}) >= ${leastLabels}`,
      "{{ $labels.model }}: by the labels people sent {{ $value | humanizePercentage }} of the answers are right, fewer than recorded",
    ),
    alert(
      "TargetDown",
      "warning",
      "5m",
      `up${only} == 0`,
      "{{ $labels.model }}: the {{ $labels.job }} at {{ $labels.instance }} does not tell its metrics",
    ),
  ];
}

/**
 * Errors use up the budget this many times as fast as it lasts, in the last while and in a longer one (The Site
 * Reliability Workbook, chapter 5: multiwindow, multi-burn-rate alerts).
 */
function burning(only: string, short: string, long: string, factor: number): string {
  const limit = Number((factor * ERROR_BUDGET).toPrecision(12));
  return [
    `millwright:error_ratio:rate${short}${only} > ${limit}`,
    `millwright:error_ratio:rate${long}${only} > ${limit}`,
    `millwright:requests:increase${short}${only} >= ${LEAST_REQUESTS}`,
  ].join(" and ");
}

/** What somebody should know of Prometheus itself. */
export function renderOwnAlerts(): RuleFile {
  return {
    groups: [
      {
        name: PROMETHEUS_NAME,
        rules: [
          alert(
            "RulesFailing",
            "warning",
            "5m",
            "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])) > 0",
            "Rules of {{ $labels.rule_group }} cannot be evaluated",
          ),
        ],
      },
    ],
  };
}
