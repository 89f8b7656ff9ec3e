import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { clusterConnection, SIMULATED_CONTEXT } from "../../../components/lifecycle/cluster.ts";
import { simulationProcesses, startSimulated, stopSimulated } from "../../../scripts/cluster/simulated.ts";
import { Failure } from "../../../scripts/lib/failure.ts";
import { silent } from "../../../scripts/lib/report.ts";
import { poolSpec, simulation } from "../simulation/cloud/fixtures.ts";

/** The processes of a simulated cluster: that they are there, stay, are started anew where needed, and go. */
describe("the simulated cluster of a machine", function () {
  this.timeout(240_000);
  const folder = mkdtempSync(path.join(tmpdir(), "millwright-simulated-test-"));
  const root = path.join(folder, "simulated");
  const PARTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "simulation"];
  const stack = (speed: number) => ({
    name: "simulated",
    pools: [poolSpec("gpu")],
    scheduling: undefined,
    simulation: simulation({ speed, jobs: { perDay: 0 }, endpoints: 0 }),
  });

  after(async () => {
    await stopSimulated(silent, { root });
    rmSync(folder, { recursive: true, force: true });
  });

  it("is started whole, and answers by the context that stacks know", async () => {
    const { started, kubeconfigPath } = await startSimulated(stack(10), silent, root);
    assert.deepEqual([...started].sort(), PARTS);
    assert.deepEqual(
      simulationProcesses(root).map(({ name }) => name),
      PARTS,
    );
    const connection = await clusterConnection({ kubeconfig: kubeconfigPath, context: SIMULATED_CONTEXT });
    await connection.get("/api/v1/nodes");
    connection.close();
  });

  it("is left alone by a second start, and starts only the simulation anew for another one", async () => {
    const before = simulationProcesses(root);
    assert.deepEqual((await startSimulated(stack(10), silent, root)).started, []);
    assert.deepEqual(simulationProcesses(root), before);
    assert.deepEqual((await startSimulated(stack(20), silent, root)).started, ["simulation"]);
    const changed = simulationProcesses(root).filter(({ pid }) => !before.some((each) => each.pid === pid));
    assert.deepEqual(
      changed.map(({ name }) => name),
      ["simulation"],
    );
  });

  it("is one stack's, and refuses another", async () => {
    await assert.rejects(
      startSimulated({ ...stack(20), name: "other" }, silent, root),
      (error) =>
        error instanceof Failure && /is the stack simulated's/.test(error.message) && /--stack-file/.test(error.remedy),
    );
  });

  it("starts anew what was killed, and goes on with its state after a stop, at the same address", async () => {
    const { server } = await startSimulated(stack(20), silent, root);
    const daemon = simulationProcesses(root).find(({ name }) => name === "simulation");
    assert.ok(daemon !== undefined);
    process.kill(daemon.pid, "SIGKILL");
    while (simulationProcesses(root).some(({ pid }) => pid === daemon.pid))
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual((await startSimulated(stack(20), silent, root)).started, ["simulation"]);
    assert.deepEqual(await stopSimulated(silent, { root }), PARTS);
    assert.deepEqual(simulationProcesses(root), []);
    assert.equal((await startSimulated(stack(20), silent, root)).server, server);
    assert.match(readFileSync(path.join(root, "logs", "simulation.log"), "utf8"), /goes on at simulated second [1-9]/);
  });

  it("is gone after a stop that purges, and stopping again does nothing", async () => {
    await stopSimulated(silent, { root, purge: true });
    assert.ok(!existsSync(root));
    assert.deepEqual(await stopSimulated(silent, { root }), []);
  });
});
