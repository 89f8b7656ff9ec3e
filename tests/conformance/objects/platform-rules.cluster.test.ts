// The platform's rules as one object for the Prometheus Operator, as a real API server judges it by the definition of the version
// that is installed. What Prometheus says of their expressions is in platform-rules.service.test.ts.
import assert from "node:assert/strict";
import { platformRules } from "../../../components/monitoring/platform-rules.ts";
import { renderRules } from "../../../components/platform/addons/render.ts";
import type { RuleGroup } from "../../../components/platform/addons/types.ts";
import { FULL_STACK } from "../../components/platform/addons/fixtures.ts";
import { type DryRun, dryRun } from "../dry-run.ts";

describe("the rules of a platform on an API server", function () {
  this.timeout(300_000);
  this.slow(30_000);
  let server: DryRun;

  before(async () => {
    server = await dryRun();
    await server.define("prometheus-operator");
  });

  const groups = platformRules(FULL_STACK);

  it("are taken to the last field", async () => {
    assert.equal(await server.refusal(renderRules(groups)), undefined);
  });

  for (const [what, change, says] of [
    ["a field that there is not", { labls: {} }, /field not declared in schema|unknown field/],
    ["a time that is none", { for: "soon" }, /should match|Invalid value/],
    ["a rule without an expression", { expr: undefined }, /expr.*[Rr]equired/],
  ] satisfies [string, object, RegExp][]) {
    it(`are refused with ${what}`, async () => {
      const broken: RuleGroup[] = [{ name: "nodes", rules: groups[0]!.rules.map((rule) => ({ ...rule, ...change })) }];
      assert.match((await server.refusal(renderRules(broken))) ?? "taken", says);
    });
  }
});
