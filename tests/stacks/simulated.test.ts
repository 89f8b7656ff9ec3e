import assert from "node:assert/strict";
import path from "node:path";
import { capacityOf } from "../../components/compute/pools/capacity.ts";
import { REPOSITORY_ROOT } from "../../scripts/lib/command-line.ts";
import { jobsOf, simulationConfig } from "../../scripts/simulation/cloud/workload.ts";
import { loadStack } from "../../stacks/load.ts";

/** The stack files of simulated clusters, as they are. */

const load = (name: string) =>
  loadStack({
    name,
    file: path.join(REPOSITORY_ROOT, `stacks/Pulumi.${name}.yaml`),
    repositoryRoot: REPOSITORY_ROOT,
  });

describe("the simulated stacks", () => {
  for (const [name, nodes, gpus] of [
    ["simulated", 300, 2160],
    ["simulated-large", 1250, 10_000],
  ] as const) {
    it(`${name} has ${nodes} nodes with ${gpus} GPUs, and a day of jobs that its machines bear`, async () => {
      const stack = await load(name);
      const capacities = stack.pools.map(capacityOf).filter(({ accelerators }) => accelerators > 0);
      assert.equal(
        capacities.reduce((sum, capacity) => sum + capacity.nodes, 0),
        nodes,
      );
      assert.equal(
        capacities.reduce((sum, { accelerators }) => sum + accelerators, 0),
        gpus,
      );
      const { accelerators, seconds } = { accelerators: gpus, seconds: 86_400 };
      const asked = jobsOf(simulationConfig(stack)).reduce(
        (sum, { workers, devices, durationSeconds, use }) =>
          sum + workers * (use.whole ? devices : devices / 7) * durationSeconds,
        0,
      );
      const load_ = asked / (accelerators * seconds);
      assert.ok(load_ > 0.3 && load_ < 0.9, String(load_));
    });
  }
});
