import assert from "node:assert/strict";
import { containerResourcesRequired } from "../../../policies/rules/container-resources-required.ts";
import { COMPLIANT, DEPLOYMENT, deployment, judge } from "../judge.ts";

const judgeResources = async (resources: unknown) =>
  (await judge(containerResourcesRequired, DEPLOYMENT, deployment({ resources }))).violations;

describe("container-resources-required", () => {
  it("accepts requests and limits of both, as text or numbers", async () => {
    assert.deepEqual(await judgeResources(COMPLIANT.resources), []);
    assert.deepEqual(await judgeResources({ requests: { cpu: 1, memory: 1 }, limits: { cpu: 1, memory: 1 } }), []);
  });

  for (const part of ["requests", "limits"] as const) {
    for (const resource of ["cpu", "memory"] as const) {
      for (const [what, value] of [
        ["missing", undefined],
        ["empty", ""],
        ["null", null],
      ] as const) {
        it(`refuses ${what} ${part}.${resource}`, async () => {
          const { resources } = COMPLIANT;
          const violations = await judgeResources({ ...resources, [part]: { ...resources[part], [resource]: value } });
          assert.equal(violations.length, 1);
          assert.ok(violations[0]!.includes(`has no ${part}.${resource}.`), violations[0]);
        });
      }
    }
  }

  it("names everything that is missing at once", async () => {
    const [violation] = await judgeResources(undefined);
    assert.ok(violation?.includes("has no requests.cpu, requests.memory, limits.cpu, limits.memory."));
  });
});
