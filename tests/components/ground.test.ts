import assert from "node:assert/strict";
import { parse } from "yaml";
import { Datacenter } from "../../components/datacenter.ts";
import { groundOf } from "../../components/ground.ts";
import { plan } from "../../components/lifecycle/plan.ts";
import { platformRules } from "../../components/monitoring/platform-rules.ts";
import { declare, find } from "./engine.ts";
import { awsProvider } from "./platform/aws/mocks.ts";
import { REPOSITORY, shipped } from "./platform/aws/stacks.ts";

/** Not proven: clusters that exist, which are read when they are found (tests/integration). */
describe("the ground of a stack", () => {
  for (const name of ["staging", "production"]) {
    it(`on AWS has the rules of what stack ${name} declares`, async () => {
      const stack = await shipped(name);
      const { registrations, result } = await declare(() => groundOf(stack), { provider: awsProvider("us-east-2") });
      assert.ok((await result).aws !== undefined);
      const files = registrations.filter(({ type }) => type === "aws:amp/ruleGroupNamespace:RuleGroupNamespace");
      assert.deepEqual(
        files.map(({ inputs }) => [inputs["name"], parse(String(inputs["data"]))]),
        platformRules(stack).map((group) => [`${group.name}.rules`, { groups: [group] }]),
      );
      assert.ok(files.length > 1);
    });
  }

  it("with a Prometheus of its own has the same rules there, and nothing of Amazon's", async () => {
    const stack = await shipped("staging");
    const { cluster } = stack.platform;
    assert.ok(cluster.kind === "eks");
    const inCluster = {
      ...stack,
      platform: { ...stack.platform, cluster: { ...cluster, metrics: "inCluster" as const } },
    };
    const program = async () => {
      const { aws, kubernetes, awsProvider, observations } = await groundOf(inCluster);
      assert.ok(aws !== undefined && awsProvider !== undefined);
      const args = { plan: plan(inCluster, observations), repositoryRoot: REPOSITORY, aws };
      new Datacenter(stack.name, args, { providers: { kubernetes, aws: awsProvider } });
    };
    const { registrations } = await declare(program, { provider: awsProvider(cluster.region) });
    const { inputs } = find(registrations, "kubernetes:monitoring.coreos.com/v1:PrometheusRule");
    assert.deepEqual(inputs["spec"], { groups: platformRules(stack) });
    assert.ok(registrations.every(({ type }) => !type.startsWith("aws:amp/")));
  });
});
