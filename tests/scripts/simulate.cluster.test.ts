import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** The whole command, as a user runs it. */

const SCRIPT = path.join(import.meta.dirname, "../../scripts/simulate.ts");

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
}

function run(args: readonly string[], onLine: (line: string, child: ChildProcess) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      for (const line of chunk.split("\n")) onLine(line, child);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`millwright-control-plane-${child.pid}-`));
      assert.deepEqual(left, [], "a folder of its control plane is left");
      resolve({ code, stdout });
    });
  });
}

describe("npm run simulate", function () {
  this.timeout(240_000);
  const folder = mkdtempSync(path.join(tmpdir(), "millwright-simulate-test-"));
  const [nodes, pods, plot] = ["nodes.csv", "pods.csv", "plot.svg"].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];

  before(() => {
    writeFileSync(nodes, "name,cpu,memoryGiB,gpus,gpuModel,count\nn,96,384,8,H100,4\n");
    const rows = Array.from({ length: 12 }, (_, at) => `p-${at},1,1,${at % 3 === 0 ? 4 : 1},,,${60 * at},1800`);
    const header = "name,cpu,memoryGiB,gpus,gpuFraction,gpuModel,arrivalSeconds,durationSeconds";
    writeFileSync(pods, `${header}\n${rows.join("\n")}\n`);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("compares both profiles on one trace, as JSON and as a plot", async () => {
    const { code, stdout } = await run([
      "--nodes",
      nodes,
      "--pods",
      pods,
      "--profile",
      "all",
      "--json",
      "--plot",
      plot,
    ]);
    assert.equal(code, 0);
    const { trace, profiles } = JSON.parse(stdout);
    assert.deepEqual([trace.nodes, trace.gpus, trace.pods], [4, 32, 12]);
    assert.deepEqual(
      profiles.map((each: { profile: string; placedPods: number }) => [each.profile, each.placedPods]),
      [
        ["default", 12],
        ["pack", 12],
      ],
    );
    const [spread, pack] = profiles;
    assert.equal(spread.busy.allocation, pack.busy.allocation);
    assert.ok(pack.busy.freeNodes > spread.busy.freeNodes);
    assert.match(readFileSync(plot, "utf8"), /allocated, pack/);
  });

  it("leaves nothing when it is interrupted", async () => {
    const long = path.join(folder, "long.csv");
    const rows = Array.from({ length: 2000 }, (_, at) => `p-${at},1,1,1,,,${10 * at},30`);
    writeFileSync(long, `${readFileSync(pods, "utf8").split("\n")[0]}\n${rows.join("\n")}\n`);
    const { code, stdout } = await run(["--nodes", nodes, "--pods", long], (line, child) => {
      if (line.startsWith("✓ default: control plane")) child.kill("SIGINT");
    });
    assert.equal(code, 130);
    assert.equal(stdout, "");
  });
});
