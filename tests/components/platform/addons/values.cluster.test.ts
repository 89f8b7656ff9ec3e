// That the values of add-ons are ones their charts know: a misspelt one would be taken without a word and do nothing. Of the
// charts that are in the projects' Go modules at the very versions that are installed; not of gpu-operator,
// aws-efa-k8s-device-plugin, keda and kube-prometheus-stack, which no module has.
import assert from "node:assert/strict";
import { parse } from "yaml";
import type { ChartName } from "../../../../components/platform/addons/charts.ts";
import { addonsOf } from "../../../../components/platform/addons/needed.ts";
import { kueueConfiguration } from "../../../../components/platform/addons/values/kueue.ts";
import { chartValues, type DefinitionsName } from "../../../../scripts/toolchain/definitions.ts";
import { CONTEXT, FULL_STACK, GUEST } from "./fixtures.ts";
import { unknownValues } from "./unknown-values.ts";

const MODULES: readonly [ChartName, DefinitionsName][] = [
  ["karpenter", "karpenter"],
  ["kueue", "kueue"],
  ["lws", "leaderworkerset"],
  ["jobset", "jobset"],
];

describe("values of add-ons in their charts", function () {
  this.timeout(600_000);
  this.slow(30_000);

  for (const [chart, module] of MODULES) {
    it(`are all known to ${chart}`, async () => {
      const { values } = addonsOf(FULL_STACK, CONTEXT, [GUEST]).find((each) => each.chart === chart)!;
      const known = await chartValues(module);
      assert.deepEqual(unknownValues(values, known), []);
      assert.deepEqual(unknownValues({ ...values, replica: 2 }, known), ["replica"]);
    });
  }

  it("leave nothing out that Kueue's own configuration says", async () => {
    const { managerConfig } = (await chartValues("kueue")) as {
      managerConfig: { controllerManagerConfigYaml: string };
    };
    const theirs = parse(managerConfig.controllerManagerConfigYaml) as Record<string, unknown>;
    const { integrations: _, ...rest } = theirs;
    assert.deepEqual(unknownValues(rest, kueueConfiguration([])), []);
    const frameworks = (theirs["integrations"] as { frameworks: string[] }).frameworks;
    assert.deepEqual(
      kueueConfiguration([]).integrations.frameworks.filter((each) => !frameworks.includes(each)),
      [],
    );
    const ours = kueueConfiguration([]) as Record<string, unknown>;
    for (const field of [
      "apiVersion",
      "kind",
      "health",
      "webhook",
      "leaderElection",
      "controller",
      "clientConnection",
    ]) {
      assert.deepEqual(ours[field], theirs[field], field);
    }
  });
});
