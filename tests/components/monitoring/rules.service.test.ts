// The rules on made-up series, evaluated by Prometheus' own promtool: each alert at the edge at which it fires and just before.
// Not proven: that routers and servers tell these series (their own tests do), and that anybody is told of an alert.
import assert from "node:assert/strict";
import { renderOwnAlerts } from "../../../components/monitoring/alerts.ts";
import { renderConfigFiles } from "../../../components/monitoring/config.ts";
import { type AlertingRule, PRIOR, type RuleFile, renderRules } from "../../../components/monitoring/rules.ts";
import type { WatchedModel } from "../../../components/monitoring/types.ts";
import { watchSchema } from "../../../stacks/schema.ts";
import { ARGS, DIGITS, TRIAGE } from "./fixtures.ts";
import {
  type Expected,
  type ExpectedAlert,
  promtool,
  rulesPass,
  type Series,
  skipWithoutPromtool,
} from "./promtool.ts";
import { pageProblems } from "./runbooks.ts";

const MODEL = "mail-triage";

const passes = (rules: RuleFile, series: readonly Series[], expected: Expected) =>
  rulesPass(30, rules, series, expected);

/** Responses of a model's router: so many in 30 s, of which a number fail, for a number of intervals. */
function responses(good: number, bad: number, intervals: number): Series[] {
  const of = (code: string, each: number) => ({
    series: `haproxy_frontend_http_responses_total{model="${MODEL}",job="routers",instance="a",proxy="requests",code="${code}"}`,
    values: `0+${each}x${intervals}`,
  });
  return [of("2xx", good), of("5xx", bad)];
}

/** A feature's reference and what is served of it in 30 s, bucket by bucket. */
function feature(name: string, expected: readonly number[], served: readonly number[], intervals: number): Series[] {
  return expected.flatMap((fraction, bucket) => {
    const labels = `{model="${MODEL}",version="v1",instance="a",feature="${name}",bucket="${bucket}"}`;
    return [
      { series: `millwright_reference_fraction${labels}`, values: `${fraction}x${intervals}` },
      { series: `millwright_served_items_total${labels}`, values: `0+${served[bucket]}x${intervals}` },
    ];
  });
}

/** The population stability index, from counts. */
function indexOf(expected: readonly number[], counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count + PRIOR, 0);
  return expected.reduce((sum, e, bucket) => {
    const a = (counts[bucket]! + PRIOR) / total;
    return sum + (a - e) * Math.log(a / e);
  }, 0);
}

/** What is counted in a window of ten minutes, which has twenty intervals. */
function inWindow(each: readonly number[]): number[] {
  return each.map((count) => 20 * count);
}

/** Watched over ten minutes, sustained for five, of 500 items. */
const QUICK: WatchedModel = {
  name: MODEL,
  watch: watchSchema.parse({
    drift: { windowSeconds: 600, sustainSeconds: 300, minRequests: 500 },
    quality: { windowSeconds: 600 },
  }),
};
const RULES = renderRules(QUICK);
const QUARTERS = [0.25, 0.25, 0.25, 0.25];

describe("the rules of Prometheus", function () {
  this.timeout(30_000);

  before(function () {
    skipWithoutPromtool(this);
  });

  it("are accepted, with the configuration", () => {
    const files = renderConfigFiles(ARGS);
    const local = Object.fromEntries(
      Object.entries(files).map(([name, text]) => [name, text.replaceAll("/etc/millwright/prometheus/", "./")]),
    );
    const { ok, output } = promtool(local, "check", "config", "prometheus.yml");
    assert.ok(ok, output);
    assert.match(output, /SUCCESS: 3 rule files found/);
  });

  it("compare what was served with the reference by the population stability index", () => {
    const served = [10, 4, 4, 2];
    const counts = inWindow(served);
    const labels = `{feature="size",model="${MODEL}",version="v1"}`;
    passes(RULES, [...feature("size", QUARTERS, served, 60), ...feature("label", [0.5, 0.5], [10, 10], 60)], {
      values: [
        {
          expr: `abs(millwright:psi${labels} - ${indexOf(QUARTERS, counts)}) < bool 1e-9`,
          at: "20m",
          samples: [{ labels, value: 1 }],
        },
        {
          expr: "millwright:served_items",
          at: "20m",
          samples: [{ labels: `millwright:served_items{model="${MODEL}",version="v1"}`, value: 400 }],
        },
      ],
    });
    assert.ok(indexOf(QUARTERS, counts) > 0.1);
  });

  it("find nothing where what is served is like the reference, and tell of a bucket nobody falls into", () => {
    const expected = [0.4, 0.3, 0.2, 0.1];
    const bounded = (name: string, comparison: string) => ({
      expr: `count(millwright:psi{feature="${name}"} ${comparison})`,
      at: "20m",
      samples: [{ labels: "{}", value: 1 }],
    });
    passes(
      RULES,
      [...feature("same", expected, [16, 12, 8, 4], 60), ...feature("gone", expected, [16, 12, 12, 0], 60)],
      {
        values: [bounded("same", "< 0.001"), bounded("gone", "> 0.25 < 10")],
      },
    );
  });

  it("add up what the servers of a version counted, also one that is gone", () => {
    const counted = (instance: string, values: string): Series => ({
      series: `millwright_served_items_total{model="${MODEL}",version="v1",instance="${instance}",feature="label",bucket="spam"}`,
      values,
    });
    // Ten intervals of each are in the window; what ends in it is extrapolated by half of one.
    passes(RULES, [counted("a", "0+10x20 stale"), counted("b", "0x20 10+10x60")], {
      values: [
        {
          expr: "round(millwright:served_items)",
          at: "15m",
          samples: [{ labels: `{model="${MODEL}",version="v1"}`, value: 205 }],
        },
      ],
    });
  });

  it("have the accuracy on labels, and none without labels", () => {
    const labelled = (outcome: string, each: number): Series => ({
      series: `millwright_labelled_items_total{model="${MODEL}",version="v1",instance="a",outcome="${outcome}"}`,
      values: `0x40 0+${each}x60`,
    });
    const labels = `millwright:accuracy{model="${MODEL}",version="v1"}`;
    passes(RULES, [labelled("right", 9), labelled("wrong", 1)], {
      values: [
        { expr: "millwright:accuracy", at: "19m", samples: [] },
        { expr: "millwright:accuracy", at: "40m", samples: [{ labels, value: 0.9 }] },
      ],
    });
  });

  const TESTED = new Set<string>();
  function at(alertname: string, when: string, ...firing: Readonly<Record<string, string>>[]): ExpectedAlert {
    TESTED.add(alertname);
    return { alertname, at: when, firing };
  }

  it("call for help when requests fail, two minutes after they begin to, and not for a few", () => {
    const critical = { model: MODEL, severity: "critical" };
    const warning = { model: MODEL, severity: "warning" };
    // 2 % of the requests: fast enough for both, and the slower one takes a quarter of an hour.
    passes(RULES, responses(98, 2, 120), {
      alerts: [
        at("EndpointErrors", "2m"),
        at("EndpointErrors", "2m30s", critical),
        at("EndpointErrorsLasting", "15m"),
        at("EndpointErrorsLasting", "15m30s", warning),
      ],
    });
    // 1 %: too little to wake anybody, enough for a working day.
    passes(RULES, responses(99, 1, 120), {
      alerts: [at("EndpointErrors", "60m"), at("EndpointErrorsLasting", "60m", warning)],
    });
    passes(RULES, responses(199, 1, 120), {
      alerts: [at("EndpointErrors", "60m"), at("EndpointErrorsLasting", "60m")],
    });
    // Every one fails, but there are only 10 in five minutes.
    passes(RULES, responses(0, 1, 120), { alerts: [at("EndpointErrors", "60m")] });
  });

  it("tell when the slowest hundredth is too slow for ten minutes", () => {
    const bucket = (le: string, each: number): Series => ({
      series: `rest_server_request_duration_seconds_bucket{model="${MODEL}",path="/v2/models/{model_name}/infer",le="${le}"}`,
      values: `0+${each}x120`,
    });
    const slow = (fast: number) => [bucket("1.0", fast), bucket("2.5", 1000), bucket("+Inf", 1000)];
    passes(RULES, slow(980), {
      alerts: [at("EndpointSlow", "10m"), at("EndpointSlow", "10m30s", { model: MODEL, severity: "warning" })],
    });
    passes(RULES, slow(995), { alerts: [at("EndpointSlow", "60m")] });
  });

  it("tell of a shift after ten minutes, and of drift when it has lasted, of enough requests", () => {
    const enough = feature("label", [0.5, 0.5], [13, 13], 120);
    const few = feature("label", [0.5, 0.5], [12, 12], 120);
    const [major, shift] = [
      [20, 4, 1, 1],
      [11, 7, 5, 3],
    ];
    assert.ok(indexOf(QUARTERS, inWindow(major)) > 0.25);
    assert.ok(indexOf(QUARTERS, inWindow(shift)) > 0.1 && indexOf(QUARTERS, inWindow(shift)) < 0.25);
    const shifted = { model: MODEL, version: "v1", feature: "size", severity: "info" };
    const drifted = { ...shifted, severity: "warning" };
    // The window holds 500 items for the first time after 9 min 30 s: 19 intervals of 26, extrapolated by one.
    passes(RULES, [...enough, ...feature("size", QUARTERS, major, 120)], {
      alerts: [
        at("FeatureDrifted", "14m"),
        at("FeatureDrifted", "15m", drifted),
        at("FeatureShifted", "19m"),
        at("FeatureShifted", "20m", shifted),
      ],
    });
    passes(RULES, [...few, ...feature("size", QUARTERS, major, 120)], {
      alerts: [at("FeatureDrifted", "60m"), at("FeatureShifted", "60m")],
    });
    passes(RULES, [...enough, ...feature("size", QUARTERS, shift, 120)], {
      alerts: [at("FeatureDrifted", "60m"), at("FeatureShifted", "60m", shifted)],
    });
  });

  it("tell when answers are right less often than recorded, of enough labels, also while the servers sleep", () => {
    const series = (right: number, wrong: number, recorded = "0.98x10 stale"): Series[] => [
      ...(["right", "wrong"] as const).map((outcome) => ({
        series: `millwright_labelled_items_total{model="${MODEL}",version="v1",instance="a",outcome="${outcome}"}`,
        values: `0+${outcome === "right" ? right : wrong}x120`,
      })),
      { series: `millwright_recorded_accuracy{model="${MODEL}",version="v1",instance="a"}`, values: recorded },
    ];
    const fallen = { model: MODEL, version: "v1", severity: "warning" };
    // 0.98 less 5 % is 0.931. The window holds 500 labels for the first time after 9 min 30 s, as above.
    passes(RULES, series(24, 2, "0.98x120"), {
      alerts: [at("AccuracyFallen", "14m"), at("AccuracyFallen", "15m", fallen)],
    });
    passes(RULES, series(93, 7, "0.98x120"), { alerts: [at("AccuracyFallen", "30m", fallen)] });
    passes(RULES, series(94, 6, "0.98x120"), { alerts: [at("AccuracyFallen", "60m")] });
    // Too few labels, and nothing to compare with.
    passes(RULES, series(12, 12, "0.98x120"), { alerts: [at("AccuracyFallen", "60m")] });
    passes(RULES, series(50, 50, "_x120"), { alerts: [at("AccuracyFallen", "60m")] });
    // Seen last after 5 min, and so known until 15 min.
    passes(RULES, series(50, 50), {
      alerts: [at("AccuracyFallen", "14m", fallen), at("AccuracyFallen", "16m")],
    });
  });

  it("tell of a target that is down for five minutes", () => {
    const up = { series: `up{model="${MODEL}",job="servers",instance="a"}`, values: "1x10 0x60" };
    const labels = { model: MODEL, job: "servers", instance: "a", severity: "warning" };
    passes(RULES, [up], { alerts: [at("TargetDown", "10m"), at("TargetDown", "10m30s", labels)] });
  });

  it("tell of rules that cannot be evaluated", () => {
    const failures = (values: string) => [
      { series: 'prometheus_rule_evaluation_failures_total{rule_group="g"}', values },
    ];
    passes(renderOwnAlerts(), failures("0x10 1+1x40"), {
      alerts: [at("RulesFailing", "10m"), at("RulesFailing", "10m30s", { rule_group: "g", severity: "warning" })],
    });
    passes(renderOwnAlerts(), failures("7x50"), { alerts: [at("RulesFailing", "20m")] });
  });

  it("have no alert that is not tested here, and a page for each that says what to do", () => {
    const files = [...[TRIAGE, DIGITS].map(renderRules), renderOwnAlerts()];
    const alerts = files
      .flatMap(({ groups }) => groups.flatMap(({ rules }) => [...rules]))
      .filter((rule): rule is AlertingRule => "alert" in rule);
    assert.deepEqual([...TESTED].sort(), [...new Set(alerts.map(({ alert }) => alert))].sort());
    assert.deepEqual(pageProblems(alerts), []);
  });
});
