import assert from "node:assert/strict";
import { GROUPS, namedSuites, STATIC, SUITES } from "../../../scripts/test/suites.ts";

describe("names of suites", () => {
  it("are all of them where none is named", () => assert.equal(namedSuites([]), undefined));

  it("may be groups, each suite then once", () => {
    assert.deepEqual([...(namedSuites(["fast", "unit", "services"]) ?? [])], [STATIC, "unit", "policies", "services"]);
  });

  it("of a group are there, and need nothing set up", () => {
    const light = SUITES.filter(({ needs }) => needs.length === 0).map(({ name }) => name);
    assert.deepEqual(
      GROUPS["fast"]?.filter((name) => name !== STATIC && !light.includes(name)),
      [],
    );
  });
});
