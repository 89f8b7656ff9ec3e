import assert from "node:assert/strict";
import { dockerIgnore } from "../../../../scripts/standins/docker/ignore.ts";

describe("dockerIgnore", () => {
  for (const [text, ignored, kept] of [
    ["*.log", ["a.log"], ["a.txt", "sub/a.log"]],
    ["**/*.log", ["a.log", "sub/deep/a.log"], ["a.logs"]],
    ["node_modules", ["node_modules/x/y.js"], ["src/node_modules/x.js", "node_modules2"]],
    ["**/node_modules/", ["src/node_modules/x.js", "node_modules/x"], ["src/node_modulesx"]],
    ["/build", ["build/a"], ["src/build/a"]],
    ["*\n!keep", ["a", "sub/a"], ["keep", "keep/inside"]],
    ["data\n!data/kept/*.txt", ["data/a", "data/kept/a.bin"], ["data/kept/a.txt"]],
    ["!a\na", ["a"], ["b"]],
    ["# comment\n\n  spaced  ", ["spaced"], ["# comment", "comment"]],
    ["a?c", ["abc"], ["ac", "a/c"]],
    ["[a-c].txt", ["b.txt"], ["d.txt"]],
    ["a\\*b", ["a*b"], ["axb"]],
    ["a.b(c)+", ["a.b(c)+"], ["aXb(c)+", "a.bc"]],
    ["**/dir/**", ["dir/a", "x/dir/y/z"], ["direct/a"]],
    ["", [], ["anything"]],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const ignore = dockerIgnore(text);
      for (const path of ignored) assert.ok(ignore(path), `${path} should be ignored`);
      for (const path of kept) assert.ok(!ignore(path), `${path} should be kept`);
    });
  }
});
