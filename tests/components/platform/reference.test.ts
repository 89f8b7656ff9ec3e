import assert from "node:assert/strict";
import { output } from "@pulumi/pulumi";
import { PLATFORM_OUTPUT, qualifiedStackName, readOutputs } from "../../../components/platform/reference.ts";
import { resolved } from "../engine.ts";
import { declarePlatform, FULL_SPEC, SMALL_SPEC } from "./aws/fixtures.ts";

/** Not proven: that the engine answers a StackReference with what the other stack exported. */
describe("the reference to a platform", () => {
  it("reads what the platform tells, with everything and with as little as there can be", async () => {
    for (const spec of [FULL_SPEC, SMALL_SPEC]) {
      const { result } = await declarePlatform(spec);
      const told = (await resolved(output(result.outputs))) as unknown;
      // As the engine hands it on: as JSON.
      const read = readOutputs("production", JSON.parse(JSON.stringify(told)));
      assert.deepEqual(read, told);
      assert.equal("database" in read, spec.database !== undefined);
    }
  });

  it("says what is missing, and shows no value", () => {
    const told = { accountId: "1", region: "x", database: { host: "h", port: 5432, user: "u", password: 7_654_321 } };
    assert.throws(
      () => readOutputs("production", told),
      (error: Error) => {
        assert.match(
          error.message,
          /accountId, clusterName, kubeconfig, registry, key, buckets, roles, database\.password/,
        );
        assert.doesNotMatch(error.message, /7654321/);
        return true;
      },
    );
  });

  it("says how to mend it where the other stack was never brought up", () => {
    assert.throws(() => readOutputs("production", undefined), /has no output platform: bring it up first/);
    assert.equal(PLATFORM_OUTPUT, "platform");
  });

  it("names the other stack as the engine does", () => {
    assert.equal(qualifiedStackName("production", "organization", "millwright"), "organization/millwright/production");
  });
});
