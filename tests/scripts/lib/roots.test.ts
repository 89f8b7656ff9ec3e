import assert from "node:assert/strict";
import { buildLog, cacheRoot, stateRoot, toolPath } from "../../../scripts/lib/roots.ts";

describe("roots", () => {
  const cases: [string, Record<string, string>, string][] = [
    ["says so itself", { MILLWRIGHT_CACHE: "/c", XDG_CACHE_HOME: "/x", HOME: "/h" }, "/c"],
    ["follows XDG", { XDG_CACHE_HOME: "/x", HOME: "/h" }, "/x/millwright"],
    ["lies in the home", { HOME: "/h" }, "/h/.cache/millwright"],
    [
      "takes an empty variable for none",
      { MILLWRIGHT_CACHE: "", XDG_CACHE_HOME: "", HOME: "/h" },
      "/h/.cache/millwright",
    ],
  ];
  for (const [title, env, expected] of cases) {
    it(`cache ${title}`, () => assert.equal(cacheRoot(env), expected));
  }

  it("state is the system's unless told", () => {
    assert.equal(stateRoot({}), "/var/lib/millwright");
    assert.equal(stateRoot({ MILLWRIGHT_HOME: "/s" }), "/s");
  });

  it("keeps tools by version", () => {
    const env = { MILLWRIGHT_CACHE: "/c" };
    assert.match(toolPath("kubernetes", "kubectl", env), /^\/c\/tools\/kubernetes-\d+\.\d+\.\d+\/bin\/kubectl$/);
    assert.match(toolPath("etcd", undefined, env), /\/bin\/etcd$/);
    assert.equal(buildLog("etcd", env), "/c/logs/etcd.log");
  });
});
