import assert from "node:assert/strict";
import { type BaseInputs, baseVersion } from "../../../scripts/images/base.ts";

const INPUTS: BaseInputs = {
  recipe: 1,
  suite: "bookworm",
  packages: ["python3", "ca-certificates"],
  arch: "x64",
  certificates: "one",
};

describe("base image", () => {
  it("is named by what is in it, whatever the order", () => {
    assert.match(baseVersion(INPUTS), /^[0-9a-f]{12}$/);
    assert.equal(baseVersion({ ...INPUTS, packages: ["ca-certificates", "python3"] }), baseVersion(INPUTS));
  });

  const changes: Partial<BaseInputs>[] = [
    { recipe: 2 },
    { suite: "trixie" },
    { packages: ["python3"] },
    { arch: "arm64" },
    { certificates: "two" },
  ];
  for (const change of changes) {
    it(`is another with ${JSON.stringify(change)}`, () => {
      assert.notEqual(baseVersion({ ...INPUTS, ...change }), baseVersion(INPUTS));
    });
  }
});
