import assert from "node:assert/strict";
import { compileJsonPath } from "../../../../../scripts/standins/kubernetes/await/jsonpath.ts";
import { waitForAwaiter } from "../../../../../scripts/standins/kubernetes/await/waitFor.ts";
import type { Json } from "../../../../../scripts/standins/kubernetes/values.ts";

const object = {
  status: {
    phase: "Ready",
    replicas: 3,
    on: true,
    "dotted.key": 1,
    conditions: [
      { type: "Synced", status: "True" },
      { type: "Broken", status: "False" },
    ],
    loadBalancer: { ingress: [{ ip: "1.2.3.4" }] },
  },
};

describe("JSONPath", () => {
  const table: readonly [string, Json[]][] = [
    ["{.status.phase}", ["Ready"]],
    ["$.status.phase", ["Ready"]],
    ["status.phase", ["Ready"]],
    ["{.status['dotted.key']}", [1]],
    ["{.status.dotted\\.key}", [1]],
    ["{.status.conditions[0].type}", ["Synced"]],
    ["{.status.conditions[-1].type}", ["Broken"]],
    ["{.status.conditions[*].status}", ["True", "False"]],
    ['{.status.conditions[?(@.type=="Broken")].status}', ["False"]],
    ["{.status.conditions[?(@.type!='Broken')].type}", ["Synced"]],
    ["{.status.conditions[?(@.missing)].type}", []],
    ["{..ip}", ["1.2.3.4"]],
    ["{.status.missing.deeper}", []],
  ];
  for (const [expression, expected] of table) {
    it(expression, () => assert.deepEqual(compileJsonPath(expression)(object), expected));
  }

  for (const expression of ["{.a[?(@.b>1)]}", "{.a[1:2]}", "{.a[}"]) {
    it(`refuses ${expression}`, () => assert.throws(() => compileJsonPath(expression), /JSONPath .* not understood/));
  }
});

describe("pulumi.com/waitFor", () => {
  const table: readonly [string, boolean][] = [
    ["jsonpath={.status.phase}=Ready", true],
    ["jsonpath={.status.phase}=Done", false],
    ["jsonpath={.status.phase}", true],
    ["jsonpath={.status.missing}", false],
    ["jsonpath={.status.replicas}=3", true],
    ["jsonpath={.status.on}=true", true],
    ['jsonpath={.status.conditions[?(@.type=="Synced")].status}=True', true],
    ["condition=Synced", true],
    ["condition=Broken", false],
    ["condition=Broken=False", true],
    ["condition=Broken=false", true],
    ["condition=Missing", false],
    ['["condition=Synced", "jsonpath={.status.phase}=Ready"]', true],
    ['["condition=Synced", "condition=Broken"]', false],
  ];
  for (const [annotation, expected] of table) {
    it(`${annotation} ${expected ? "holds" : "does not hold"}`, () => {
      assert.equal(waitForAwaiter(annotation).readiness(object, {}).state === "ready", expected);
    });
  }

  for (const annotation of ["phase=Ready", "[]", "[1]", "condition=", '["x"'] as const) {
    it(`refuses ${annotation}`, () => assert.throws(() => waitForAwaiter(annotation), /condition|waitFor/));
  }

  it("says what it waits for", () => {
    const readiness = waitForAwaiter("jsonpath={.status.phase}=Done").readiness(object, {});
    assert.ok(readiness.state === "waiting" && /\{\.status\.phase\} is Ready, not Done yet/.test(readiness.message));
  });
});
