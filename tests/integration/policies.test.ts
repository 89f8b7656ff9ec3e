// The policy pack between the real engine and the real API server. What each rule accepts and refuses is proved in tests/policies.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { REPOSITORY, run } from "./datacenter.ts";

const PROGRAM = path.join(REPOSITORY, "tests/integration/programs/violating-pod");
const RULES = ["image-digest-required", "container-not-privileged", "container-resources-required"];

describe("the policy pack", () => {
  let state: string;
  let env: NodeJS.ProcessEnv;
  const pulumi = (...args: string[]) => run("pulumi", ["-C", PROGRAM, ...args, "--non-interactive"], env);

  before(async () => {
    state = mkdtempSync(path.join(tmpdir(), "millwright-policies-"));
    env = { ...process.env, PULUMI_BACKEND_URL: `file://${state}` };
    const init = await pulumi("stack", "init", "probe");
    assert.equal(init.code, 0, init.stderr);
  });

  after(() => {
    rmSync(state, { recursive: true, force: true });
    rmSync(path.join(PROGRAM, "Pulumi.probe.yaml"), { force: true });
  });

  for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
    it(`stops \`pulumi ${command[0]}\` and names every rule, before the object exists`, async () => {
      const result = await pulumi(...command, "--stack", "probe", "--policy-pack", path.join(REPOSITORY, "policies"));
      assert.notEqual(result.code, 0);
      for (const rule of RULES) {
        assert.match(result.stdout + result.stderr, new RegExp(rule), result.stdout);
      }
      const pod = await run("kubectl", ["-n", "default", "get", "pod", "violating"], env);
      assert.match(pod.stderr, /NotFound/);
    });
  }
});
