import assert from "node:assert/strict";
import { pulumiEnvironment } from "../../../scripts/standins/environment.ts";

const roots = { stateRoot: "/state", cacheRoot: "/cache" };

describe("pulumiEnvironment", () => {
  it("keeps state and plugins below the state root, and what can be rebuilt below the cache root", () => {
    const env = pulumiEnvironment(roots);
    assert.equal(env.PULUMI_BACKEND_URL, "file:///state/pulumi/state?metadata=skip");
    assert.equal(env.PULUMI_HOME, "/state/pulumi/home");
    assert.equal(env.NODE_COMPILE_CACHE, "/cache/node-compile-cache");
    assert.equal(env.PULUMI_CONFIG_PASSPHRASE, "");
  });

  it("writes the state after every step unless told otherwise", () => {
    assert.equal(pulumiEnvironment(roots).PULUMI_SKIP_CHECKPOINTS, undefined);
    assert.equal(pulumiEnvironment({ ...roots, checkpoints: false }).PULUMI_SKIP_CHECKPOINTS, "true");
  });

  it("downloads plugins where none is a stand-in", () => {
    assert.equal(pulumiEnvironment(roots).PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION, "true");
    assert.equal(
      pulumiEnvironment({ ...roots, noDownload: false }).PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION,
      undefined,
    );
  });

  it("passes the policy pack as one field of the list Pulumi reads", () => {
    const pack = (policyPack: string) => pulumiEnvironment({ ...roots, policyPack }).PULUMI_OPTION_POLICY_PACK;
    assert.equal(pack("/repo/policies"), "/repo/policies");
    assert.equal(pack("/a,b/policies"), '"/a,b/policies"');
    assert.equal(pulumiEnvironment(roots).PULUMI_OPTION_POLICY_PACK, undefined);
  });
});
