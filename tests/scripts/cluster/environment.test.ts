import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { datacenterEnvironment, renderEnvironment, renderExports } from "../../../scripts/cluster/environment.ts";

const PLACES = {
  stateRoot: "/state",
  cacheRoot: "/cache",
  repository: "/repository",
  toolFolders: ["/cache/tools/a/bin"],
  searchPath: "/usr/bin::/repository/node_modules/.bin:/bin",
};

describe("environment", () => {
  it("puts the tools and this repository's commands first, each folder once", () => {
    const { PATH } = renderEnvironment(PLACES);
    assert.equal(PATH, "/cache/tools/a/bin:/repository/node_modules/.bin:/usr/bin:/bin");
    assert.equal(renderEnvironment({ ...PLACES, searchPath: PATH ?? "" })["PATH"], PATH);
  });

  it("means the local datacenter to kubectl, docker and pulumi", () => {
    const variables = renderEnvironment(PLACES);
    assert.equal(variables["KUBECONFIG"], "/state/kubeconfig");
    assert.equal(variables["DOCKER_HOST"], "unix:///state/docker/docker.sock");
    assert.equal(variables["DOCKER_BUILDKIT"], "0");
    assert.equal(variables["PULUMI_HOME"], "/state/pulumi-home");
    assert.equal(variables["PULUMI_BACKEND_URL"], "file:///state/pulumi?metadata=skip");
    assert.equal(variables["PULUMI_SKIP_UPDATE_CHECK"], "true");
    assert.equal(variables["PULUMI_CONFIG_PASSPHRASE"], "");
    assert.equal(variables["PULUMI_OPTION_POLICY_PACK"], "/repository/policies");
  });

  it("makes Pulumi's folders, for their owner only", () => {
    const root = mkdtempSync(path.join(tmpdir(), "millwright-environment-"));
    const before = process.env["MILLWRIGHT_HOME"];
    process.env["MILLWRIGHT_HOME"] = root;
    try {
      const home = datacenterEnvironment()["PULUMI_HOME"] ?? "";
      assert.equal(statSync(home).mode & 0o777, 0o700);
    } finally {
      if (before === undefined) {
        delete process.env["MILLWRIGHT_HOME"];
      } else {
        process.env["MILLWRIGHT_HOME"] = before;
      }
      rmSync(root, { recursive: true, force: true });
    }
  });

  it("survives any shell", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("\0")),
        (value) => {
          const script = `${renderExports({ SAMPLE: value })}printf %s "$SAMPLE"`;
          assert.equal(execFileSync("sh", ["-c", script], { encoding: "utf8" }), value);
        },
      ),
      { numRuns: 50 },
    );
  });
});
