// Proves what is removed. That Pulumi leaves such files, and that none is left after a run, tests/integration proves.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { removeStrayStackFile } from "../../../scripts/converge/stray-stack-file.ts";

describe("removeStrayStackFile", () => {
  let root: string;
  let stray: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "millwright-stray-"));
    mkdirSync(path.join(root, "stacks"));
    stray = path.join(root, "stacks/Pulumi.mine.yaml");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const cases: [title: string, text: string | undefined, file: string, isLeft: boolean][] = [
    ["Pulumi's own fields of a stack that lies elsewhere", "encryptionsalt: v1:a\n", "elsewhere.yaml", false],
    ["a file that Pulumi left empty", "", "elsewhere.yaml", false],
    ["the stack file itself", "encryptionsalt: v1:a\n", "stacks/Pulumi.mine.yaml", true],
    ["a file with configuration", "encryptionsalt: v1:a\nconfig: {}\n", "elsewhere.yaml", true],
    ["a file that is no object", "- a\n", "elsewhere.yaml", true],
    ["no file", undefined, "elsewhere.yaml", false],
  ];
  for (const [title, text, file, isLeft] of cases) {
    it(`${isLeft ? "leaves" : "removes"} ${title}`, () => {
      if (text !== undefined) {
        writeFileSync(stray, text);
      }
      removeStrayStackFile(root, "mine", path.join(root, file));
      assert.equal(existsSync(stray), isLeft);
    });
  }
});
