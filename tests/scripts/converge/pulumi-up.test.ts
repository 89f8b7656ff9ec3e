import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { followLines } from "../../../scripts/converge/pulumi-up.ts";

// What it does not prove: that the engine writes its events so (tests/conformance/loop and tests/integration do).

describe("events of the engine", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are read as they are written, each once and whole, the last after the writer has ended", async () => {
    const file = path.join(folder, "events");
    writeFileSync(file, "");
    const lines: string[] = [];
    const follower = followLines(file, (line) => lines.push(line));
    const text = Buffer.from("one\ntwö\nthree\n");
    // In the middle of a letter of two bytes.
    appendFileSync(file, text.subarray(0, 7));
    for (const deadline = Date.now() + 5000; lines.length === 0 && Date.now() < deadline; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(lines, ["one"]);
    appendFileSync(file, text.subarray(7));
    follower.end();
    assert.deepEqual(lines, ["one", "twö", "three"]);
  });
});
