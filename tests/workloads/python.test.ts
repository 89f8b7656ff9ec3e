import assert from "node:assert/strict";
import { imagePython } from "../../scripts/toolchain/python.ts";
import { runModule, testModules } from "./python.ts";

/** Modules that need what another image than the trainer's installs. */
const OTHER_IMAGES: Readonly<Record<string, "server" | "mlflow" | "keras">> = {
  test_keras: "keras",
  test_mirror: "mlflow",
  test_observation: "server",
  test_server: "server",
  test_tracking: "mlflow",
};

describe("the workloads' Python", () => {
  const modules = testModules();

  it("is tested by the modules this suite knows of", () => {
    assert.deepEqual(
      modules,
      [
        "capture",
        "captured",
        "compress",
        "compression_spec",
        "contract",
        "dataset",
        "features",
        "finetune",
        "gang",
        "keras",
        "learner",
        "mail",
        "mirror",
        "modelling",
        "observation",
        "pixels",
        "prune",
        "quantize",
        "recorder",
        "retention",
        "rollout",
        "search",
        "search_result",
        "server",
        "space",
        "split",
        "text",
        "tracking",
        "training",
        "verdict",
        "watch",
        "watch_decision",
        "watch_prometheus",
      ].map((name) => `test_${name}`),
    );
  });

  for (const module of modules) {
    it(`${module} passes`, async function () {
      // Of use against a module that hangs; how long one takes is the machine's affair.
      this.timeout(1_800_000);
      const python = await imagePython(OTHER_IMAGES[module] ?? "trainer");
      assert.ok((await runModule(python, module)) > 0);
    });
  }
});
