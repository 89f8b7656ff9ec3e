import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** What `npm run simulate` says before it starts anything. */

const SCRIPT = path.join(import.meta.dirname, "../../scripts/simulate.ts");

function simulate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("simulate", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "millwright-simulate-test-"));
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("explains itself", async () => {
    const { code, stdout } = await simulate("--help");
    assert.equal(code, 0);
    assert.match(stdout, /name,cpu,memoryGiB,gpus,gpuFraction,gpuModel,arrivalSeconds,durationSeconds/);
  });

  it("names a bad row by file, line, column and value, and what to do", async () => {
    const nodes = file("nodes.csv", "name,cpu,memoryGiB,gpus,gpuModel\nn,8,32,2,H100\n");
    const pods = file(
      "pods.csv",
      "name,cpu,memoryGiB,gpus,gpuFraction,gpuModel,arrivalSeconds,durationSeconds\np,1,1,1,,,now,60\n",
    );
    const { code, stderr } = await simulate("--nodes", nodes, "--pods", pods);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${pods}:2: arrivalSeconds: must be a number`), stderr);
    assert.match(stderr, /found "now"[\s\S]*What to do: mend these rows; docs\/simulation\.md/);
  });

  const refused: readonly (readonly [args: string[], said: RegExp])[] = [
    [[], /There is no --nodes/],
    [["--nodes", "a"], /There is no --pods/],
    [["--synthetic", "nodes=3", "--pods", "a"], /both --synthetic and files/],
    [["--synthetic", "nodes=no"], /nodes=no: must be a whole number/],
    [["--nodes", "/nowhere/n.csv", "--pods", "/nowhere/p.csv"], /--nodes \/nowhere\/n\.csv cannot be read/],
    [["--synthetic", "", "--profile", "best"], /no profile best[\s\S]*default, pack, all/],
    [["--synthetic", "", "--step", "-1"], /--step|'--step'/],
    [["--what"], /Unknown option '--what'/],
  ];
  for (const [args, said] of refused) {
    it(`refuses ${JSON.stringify(args.join(" "))}`, async () => {
      const { code, stdout, stderr } = await simulate(...args);
      assert.equal(code, 1);
      assert.match(stderr, said);
      assert.match(stderr, /What to do: /);
      assert.equal(stdout, "");
    });
  }
});
