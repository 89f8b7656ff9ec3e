import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { silent } from "../../../scripts/lib/report.ts";
import { toolFolder, toolPath } from "../../../scripts/lib/roots.ts";
import { absentTools, ensureTools, isPresent, originOf } from "../../../scripts/toolchain/ensure.ts";
import { TOOLS } from "../../../scripts/toolchain/tools.ts";

/** Taking a tool from PATH. Not proved here: builds and downloads, which need the network and minutes. */
describe("ensureTools", () => {
  let folder = "";
  const before = { ...process.env };
  const pulumiOnPath = (version: string) => {
    const file = path.join(folder, "bin", "pulumi");
    writeFileSync(file, `#!/bin/sh\necho v${version}\n`);
    chmodSync(file, 0o755);
    return file;
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "millwright-tools-"));
    mkdirSync(path.join(folder, "bin"));
    process.env["MILLWRIGHT_CACHE"] = path.join(folder, "cache");
    process.env["PATH"] = `${path.join(folder, "bin")}:/usr/bin:/bin`;
  });
  afterEach(() => {
    process.env["PATH"] = before["PATH"];
    delete process.env["MILLWRIGHT_CACHE"];
    if (before["MILLWRIGHT_CACHE"] !== undefined) {
      process.env["MILLWRIGHT_CACHE"] = before["MILLWRIGHT_CACHE"];
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes the right version from PATH, whatever an interrupted attempt left", async () => {
    const file = pulumiOnPath(TOOLS.pulumi.version);
    const left = path.join(path.dirname(toolFolder("pulumi")), `.pulumi-${TOOLS.pulumi.version}.abcdef`);
    mkdirSync(left, { recursive: true });
    assert.deepEqual(await absentTools(["pulumi"]), ["pulumi"]);
    await Promise.all([ensureTools(["pulumi"], silent), ensureTools(["pulumi"], silent)]);
    assert.equal(readlinkSync(toolPath("pulumi")), file);
    assert.equal(originOf("pulumi"), "path");
    assert.deepEqual(readdirSync(path.dirname(left)), [`pulumi-${TOOLS.pulumi.version}`]);
    assert.deepEqual(await absentTools(["pulumi"]), []);
  });

  it("notices that what was taken from PATH has changed or gone", async () => {
    const file = pulumiOnPath(TOOLS.pulumi.version);
    await ensureTools(["pulumi"], silent);
    pulumiOnPath("3.1.0");
    assert.equal(await isPresent("pulumi"), false);
    rmSync(file);
    assert.equal(await isPresent("pulumi"), false);
    assert.equal(originOf("pulumi"), undefined);
  });

  it("takes a tool for absent while any of its binaries is", async () => {
    const bin = path.dirname(toolPath("kubernetes"));
    mkdirSync(bin, { recursive: true });
    const binaries = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"];
    for (const binary of binaries) {
      writeFileSync(path.join(bin, binary), "", { mode: 0o755 });
    }
    assert.equal(await isPresent("kubernetes"), false);
    writeFileSync(path.join(bin, "kubectl"), "", { mode: 0o755 });
    assert.equal(await isPresent("kubernetes"), true);
    assert.ok(existsSync(bin));
  });
});
