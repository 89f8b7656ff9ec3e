import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPlugins } from "../../../scripts/standins/install.ts";

describe("installPlugins", () => {
  let root: string;
  let home: string;
  let env: NodeJS.ProcessEnv;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "millwright-install-"));
    home = join(root, "home");
    env = { PATH: `${join(root, "bin")}:/usr/bin:/bin` };
    mkdirSync(join(root, "bin"));
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const build = async (_tool: string, binary: string) => {
    const file = join(root, binary);
    writeFileSync(file, "");
    chmodSync(file, 0o755);
    return file;
  };
  const plugin = (name: string) => join(home, "plugins", name);
  const calls = () => readFileSync(join(root, "calls"), "utf8").trim().split("\n");

  /** A `pulumi` that notes how it was called and then does what is said. */
  function pulumi(body: string): void {
    const file = join(root, "bin", "pulumi");
    writeFileSync(file, `#!/bin/sh\necho "$@" >> '${join(root, "calls")}'\n${body}\n`);
    chmodSync(file, 0o755);
  }

  it("puts an executable for every plugin where nothing can be downloaded, and believes that for a while", async () => {
    pulumi("echo 'Will retry in 80ms [1/5]' >&2; exec sleep 60");
    const seen: string[] = [];
    const installed = await installPlugins({
      pulumiHome: home,
      env,
      build,
      onPlugin: ({ name }, source) => seen.push(`${name} ${source}`),
    });
    assert.deepEqual(seen.sort(), ["docker stand-in", "kubernetes build", "nodejs stand-in"]);
    assert.equal(installed.env.PULUMI_HOME, home);
    assert.equal(installed.env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION, "true");
    for (const [folder, executable] of [
      ["language-nodejs-v3.259.0", "pulumi-language-nodejs"],
      ["resource-docker-v5.2.0", "pulumi-resource-docker"],
      ["resource-kubernetes-v4.25.0", "pulumi-resource-kubernetes"],
    ] as const) {
      assert.equal(statSync(join(plugin(folder), executable)).mode & 0o111, 0o111, executable);
    }
    assert.equal(calls().length, 2);
    await installPlugins({ pulumiHome: home, env, build });
    assert.equal(calls().length, 2, "asked again within a day");
  });

  it("prefers what Pulumi can download, and the language host that came with its release", async () => {
    pulumi(`mkdir -p "$PULUMI_HOME/plugins/$3-$4-v$5"`);
    writeFileSync(join(root, "bin", "pulumi-language-nodejs"), "");
    const installed = await installPlugins({ pulumiHome: home, env, build });
    assert.deepEqual(installed.notDownloaded, []);
    assert.deepEqual(installed.env, { PULUMI_HOME: home });
    assert.deepEqual(calls(), [
      "plugin install resource docker 5.2.0 --non-interactive",
      "plugin install resource kubernetes 4.25.0 --non-interactive",
    ]);
  });

  it("leaves installed official plugins alone, replaces its own of other versions and repairs a damaged one", async () => {
    mkdirSync(plugin("resource-docker-v5.2.0"), { recursive: true });
    mkdirSync(plugin("resource-docker-v4.0.0"), { recursive: true });
    mkdirSync(plugin("resource-kubernetes-v1.0.0"), { recursive: true });
    writeFileSync(join(plugin("resource-kubernetes-v1.0.0"), "millwright-stand-in"), "");
    pulumi("exit 1");
    const first = await installPlugins({ pulumiHome: home, env, build });
    assert.deepEqual([...first.notDownloaded].sort(), ["kubernetes", "nodejs"]);
    assert.ok(!existsSync(join(plugin("resource-docker-v5.2.0"), "pulumi-resource-docker")));
    assert.ok(existsSync(plugin("resource-docker-v4.0.0")));
    assert.ok(!existsSync(plugin("resource-kubernetes-v1.0.0")));
    const executable = join(plugin("resource-kubernetes-v4.25.0"), "pulumi-resource-kubernetes");
    rmSync(executable);
    writeFileSync(join(home, "not-downloadable.json"), "{ half a fi");
    await installPlugins({ pulumiHome: home, env, build });
    assert.ok(existsSync(executable));
  });

  it("never asks where no download is wanted", async () => {
    pulumi("exit 0");
    const { notDownloaded } = await installPlugins({ pulumiHome: home, env, build, mode: "instead" });
    assert.equal(notDownloaded.length, 3);
    assert.ok(!existsSync(join(root, "calls")));
  });
});
