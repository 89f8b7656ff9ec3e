// What Prometheus is told of each kind of server, read by Prometheus' own promtool. Not proven: that servers tell these series.
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { serverOf } from "../../../components/catalog/engines.ts";
import { renderConfigFiles } from "../../../components/monitoring/config.ts";
import { EXAMPLES, KINDS } from "../catalog/engines.ts";
import { ARGS, DIGITS } from "./fixtures.ts";
import { promtool, skipWithoutPromtool } from "./promtool.ts";

describe("the metrics of each kind of server", function () {
  this.timeout(60_000);
  before(function () {
    skipWithoutPromtool(this);
  });

  for (const kind of KINDS) {
    it(`are asked for and named for ${kind} as Prometheus reads it`, () => {
      const engine = EXAMPLES[kind];
      const files = renderConfigFiles({ ...ARGS, models: [{ ...DIGITS, engine }] });
      const { requests, errors, queue } = serverOf(engine, DIGITS.name).metrics ?? {};
      const names = Object.entries({ requests, errors, queue }).filter(([, expr]) => expr !== undefined);
      const rules = names.map(([name, expr]) => ({ record: `test:${name}`, expr }));
      const all = { ...files, "names.yml": stringify({ groups: [{ name: "names", rules }] }) };
      for (const args of [
        ["check", "config", "--syntax-only", "prometheus.yml"],
        ["check", "rules", "digits.rules.yml", "names.yml"],
      ]) {
        const { ok, output } = promtool(all, ...args);
        assert.ok(ok, output);
      }
    });
  }
});
