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

/** Modules at a time: much of each is the start of processes that use one core. */
const SIDE_BY_SIDE = 2;

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

  /** An image's Python and a module's tests are each begun once, whoever asks first. */
  const python = once(imagePython);
  const start = once(async (module: string) => runModule(await python(OTHER_IMAGES[module] ?? "trainer"), module));

  for (const [index, module] of modules.entries()) {
    it(`${module} passes`, async function () {
      // Of use against a module that hangs; how long one takes is the machine's affair.
      this.timeout(1_800_000);
      for (const each of modules.slice(index, index + SIDE_BY_SIDE)) start(each).catch(reportedByItsOwnTest);
      assert.ok((await start(module)) > 0);
    });
  }
});

function once<K, V>(begin: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const begun = new Map<K, Promise<V>>();
  return (key) => {
    const running = begun.get(key) ?? begin(key);
    begun.set(key, running);
    return running;
  };
}

const reportedByItsOwnTest = () => {};
