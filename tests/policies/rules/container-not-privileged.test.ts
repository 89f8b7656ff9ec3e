import assert from "node:assert/strict";
import { containerNotPrivileged } from "../../../policies/rules/container-not-privileged.ts";
import { DEPLOYMENT, deployment, judge } from "../judge.ts";

const judgeSecurity = async (securityContext: unknown) =>
  (await judge(containerNotPrivileged, DEPLOYMENT, deployment({ securityContext }))).violations;

describe("container-not-privileged", () => {
  for (const [what, security] of [
    ["no security context", undefined],
    ["privileged: false", { privileged: false }],
    ["a small capability", { capabilities: { add: ["NET_BIND_SERVICE"] } }],
    ["dropped capabilities", { capabilities: { drop: ["ALL"] } }],
  ] as const) {
    it(`accepts ${what}`, async () => assert.deepEqual(await judgeSecurity(security), []));
  }

  for (const [what, security, expected] of [
    ["privileged: true", { privileged: true }, /is privileged/],
    ["all capabilities", { capabilities: { add: ["ALL"] } }, /adds the capability ALL/],
    ["SYS_ADMIN", { capabilities: { add: ["CHOWN", "SYS_ADMIN"] } }, /adds the capability SYS_ADMIN/],
    ["a host process", { windowsOptions: { hostProcess: true } }, /is a host process/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const violations = await judgeSecurity(security);
      assert.equal(violations.length, 1);
      assert.match(violations[0]!, expected);
    });
  }

  it("names everything that is wrong at once", async () => {
    assert.equal((await judgeSecurity({ privileged: true, capabilities: { add: ["ALL"] } })).length, 2);
  });
});
