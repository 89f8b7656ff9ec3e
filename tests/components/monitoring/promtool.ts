import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import type { RuleFile } from "../../../components/monitoring/rules.ts";
import { findOnPath } from "../../../scripts/toolchain/path.ts";

const PROMTOOL = findOnPath("promtool");

/** Skips a suite and says why, where there is no promtool. */
export function skipWithoutPromtool(context: Mocha.Context): void {
  if (PROMTOOL === undefined) {
    process.stderr.write(
      "      skipped: no promtool on the PATH: apt-get install --no-install-recommends prometheus\n",
    );
    context.skip();
  }
}

/** Runs promtool in a folder with these files. */
export function promtool(files: Readonly<Record<string, string>>, ...args: string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), "millwright-promtool-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(path.join(folder, name), text);
    }
    const { status, stdout, stderr } = spawnSync(PROMTOOL!, args, { cwd: folder, encoding: "utf8" });
    return { ok: status === 0, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Series {
  readonly series: string;
  /** In promtool's notation, one value an interval: `0+5x60` grows by 5 sixty times. */
  readonly values: string;
}

export interface ExpectedAlert {
  readonly alertname: string;
  /** When it is asked, e.g. `12m`. */
  readonly at: string;
  /** Labels of the alerts that fire then, without `alertname`; none where it must be silent. */
  readonly firing: readonly Readonly<Record<string, string>>[];
}

export interface ExpectedValue {
  readonly expr: string;
  readonly at: string;
  readonly samples: readonly { readonly labels: string; readonly value: number }[];
}

export interface Expected {
  readonly values?: readonly ExpectedValue[];
  readonly alerts?: readonly ExpectedAlert[];
}

/** Holds rules against what they should make of series that have a value every so many seconds. */
export function rulesPass(
  intervalSeconds: number,
  rules: RuleFile,
  series: readonly Series[],
  { values = [], alerts = [] }: Expected,
): void {
  const files = { "rules.yml": stringify(rules), "test.yml": ruleTest(intervalSeconds, series, values, alerts) };
  const { ok, output } = promtool(files, "test", "rules", "test.yml");
  assert.ok(ok, output);
}

/** A test of rules as promtool reads it. Annotations are not compared, since their texts are for people. */
export function ruleTest(
  intervalSeconds: number,
  series: readonly Series[],
  values: readonly ExpectedValue[],
  alerts: readonly ExpectedAlert[] = [],
): string {
  return stringify({
    rule_files: ["rules.yml"],
    evaluation_interval: `${intervalSeconds}s`,
    tests: [
      {
        interval: `${intervalSeconds}s`,
        input_series: series,
        promql_expr_test: [
          ...values.map(({ expr, at, samples }) => ({ expr, eval_time: at, exp_samples: samples })),
          ...alerts.map(({ alertname, at, firing }) => ({
            expr: `ALERTS{alertname="${alertname}",alertstate="firing"}`,
            eval_time: at,
            exp_samples: firing.map((labels) => ({ labels: labelText({ alertname, ...labels }), value: 1 })),
          })),
        ],
      },
    ],
  });
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const given = { alertstate: "firing", ...labels };
  return `ALERTS{${Object.entries(given)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",")}}`;
}
