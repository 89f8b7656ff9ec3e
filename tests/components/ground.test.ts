import assert from "node:assert/strict";
import { parse } from "yaml";
import { groundOf } from "../../components/ground.ts";
import { platformRules } from "../../components/monitoring/platform-rules.ts";
import { declare } from "./engine.ts";
import { awsProvider } from "./platform/aws/mocks.ts";
import { shipped } from "./platform/aws/stacks.ts";

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
});
