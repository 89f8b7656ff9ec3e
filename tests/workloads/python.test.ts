import assert from "node:assert/strict";
import { DEBIAN_PYTHON, runModule, serverPython, testModules } from "./python.ts";

/** Modules that need what the server's image installs. */
const SERVER_MODULES = ["test_server"];

describe("the workloads' Python", () => {
  const modules = testModules();

  it("is tested by the modules this suite knows of", () => {
    assert.deepEqual(
      modules,
      ["contract", "dataset", "learner", "mail", "recorder", "server", "split", "text", "training"].map(
        (name) => `test_${name}`,
      ),
    );
  });

  for (const module of modules) {
    it(`${module} passes`, async function () {
      this.timeout(600_000);
      const python = SERVER_MODULES.includes(module) ? await serverPython() : DEBIAN_PYTHON;
      assert.ok((await runModule(python, module)) > 0);
    });
  }
});
