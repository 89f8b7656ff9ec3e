import assert from "node:assert/strict";
import { withParameters } from "../../../components/core/parameters.ts";

const training = { learningRate: 0.1, network: { channels: 32, dropout: 0 } };

describe("withParameters", () => {
  it("replaces what the paths name, in a copy", () => {
    const changed = withParameters(training, { learningRate: 0.2, "network.channels": 8 });
    assert.deepEqual(changed, { learningRate: 0.2, network: { channels: 8, dropout: 0 } });
    assert.equal(training.network.channels, 32);
  });

  for (const path of ["rate", "network.width", "learningRate.x", "network.channels.x", "", "toString"]) {
    it(`refuses the path "${path}"`, () => {
      assert.throws(() => withParameters(training, { [path]: 1 }), /has no parameter/);
    });
  }
});
