import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describeError, Failure } from "../../../scripts/lib/failure.ts";

const MODULE = path.resolve(import.meta.dirname, "../../../scripts/lib/failure.ts");

function main(body: string) {
  const program = `import { Failure, runMain } from ${JSON.stringify(MODULE)}; await runMain(async () => { ${body} });`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
}

describe("failure", () => {
  it("shows a sentence and what to do", () => {
    const shown = describeError(new Failure("Port 6443 is taken by nginx", "stop nginx."));
    assert.equal(shown, "Port 6443 is taken by nginx.\nWhat to do: stop nginx.");
  });

  it("keeps the stack of what is our own fault", () => {
    assert.match(describeError(new TypeError("x is undefined")), /^TypeError: x is undefined\n\s+at /);
  });

  it("ends a command with its exit code, however much it printed", () => {
    const { status, stdout } = main(
      `process.stdout.write("x".repeat(300_000)); setInterval(() => {}, 1000); return 3;`,
    );
    assert.equal(status, 3);
    assert.equal(stdout.length, 300_000);
  });

  it("ends a command that throws with 1, and prints only to stderr", () => {
    const { status, stdout, stderr } = main(`throw new Failure("No disk", "buy one");`);
    assert.deepEqual([status, stdout, stderr], [1, "", "No disk.\nWhat to do: buy one.\n"]);
  });
});
