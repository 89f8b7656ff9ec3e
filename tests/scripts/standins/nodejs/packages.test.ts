import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { installedPackages, packageRoot } from "../../../../scripts/standins/nodejs/packages.ts";

describe("installedPackages", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "millwright-packages-"));
    write("package.json", { dependencies: { "@pulumi/x": "*", plain: "*", gone: "*" } });
    write("node_modules/@pulumi/x/package.json", {
      version: "1.2.3",
      dependencies: { deep: "*", plain: "*" },
      pulumi: { resource: true, name: "x" },
    });
    write("node_modules/@pulumi/x/node_modules/deep/package.json", {
      version: "0.1.0",
      pulumi: { resource: true, version: "9.9.9", server: "https://example.invalid" },
    });
    write("node_modules/plain/package.json", { version: "2.0.0", pulumi: { resource: false } });
    mkdirSync(join(root, "src", "program"), { recursive: true });
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(path: string, content: unknown): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), JSON.stringify(content));
  }

  it("finds the packages of the nearest package.json and their plugins", () => {
    assert.equal(packageRoot(join(root, "src", "program")), root);
    const found = installedPackages(join(root, "src", "program"), false);
    assert.deepEqual(
      found.map(({ name, version, plugin }) => [name, version, plugin]),
      [
        ["@pulumi/x", "1.2.3", { name: "x", version: "1.2.3", server: "" }],
        ["plain", "2.0.0", undefined],
      ],
    );
  });

  it("follows dependencies where they are installed, each once", () => {
    const found = installedPackages(root, true);
    assert.deepEqual(
      found.map(({ name }) => name),
      ["@pulumi/x", "deep", "plain"],
    );
    assert.deepEqual(found[1]?.plugin, { name: "deep", version: "9.9.9", server: "https://example.invalid" });
  });
});
