import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { endOrphanedPlugins, orphanedPlugins, type Process } from "../../../scripts/converge/plugins.ts";

// What it does not prove: that the engine's own plugins are found (tests/conformance/loop does).

const HOME = "/var/lib/x/pulumi-home";
const plugin = `${HOME}/plugins/resource-kubernetes-v4.25.0/pulumi-resource-kubernetes`;
const process_ = (pid: number, parent: number, ...command: string[]): Process => ({ pid, parent, command });

describe("plugins that outlived their engine", () => {
  it("are those below the home with no engine above them", () => {
    const processes = [
      process_(1, 0, "/sbin/init"),
      process_(10, 1, "/usr/bin/pulumi", "up"),
      process_(11, 10, plugin, "127.0.0.1:1"),
      process_(12, 11, `${HOME}/plugins/language-nodejs-v3/pulumi-language-nodejs`),
      process_(20, 1, plugin, "127.0.0.1:2"),
      process_(21, 1, "/elsewhere/plugins/resource-kubernetes-v4.25.0/pulumi-resource-kubernetes"),
      process_(22, 1, "/bin/sh", plugin),
    ];
    assert.deepEqual(
      orphanedPlugins(processes, HOME).map(({ pid }) => pid),
      [20],
    );
  });

  it("are ended, and named", async () => {
    const home = mkdtempSync(path.join(tmpdir(), "millwright-home-"));
    try {
      const file = path.join(home, "plugins", "resource-x-v1", "pulumi-resource-x");
      mkdirSync(path.dirname(file), { recursive: true });
      copyFileSync("/bin/sleep", file);
      const child = spawn(file, ["60"], { stdio: "ignore" });
      const ended = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
      await new Promise((resolve) => child.once("spawn", resolve));
      assert.deepEqual(await endOrphanedPlugins(home), [
        `Ended pulumi-resource-x (process ${child.pid}), whose engine was killed.`,
      ]);
      assert.equal(await ended, "SIGKILL");
      assert.deepEqual(await endOrphanedPlugins(home), []);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
