import assert from "node:assert/strict";
import { DEBIAN_PACKAGES, missingPackages, NODE_PACKAGES } from "../../../scripts/toolchain/debian.ts";
import { freeGiB, requireDisk } from "../../../scripts/toolchain/disk.ts";

describe("Debian packages", () => {
  it("asks for known packages, each once", () => {
    assert.equal(new Set(NODE_PACKAGES).size, NODE_PACKAGES.length);
    assert.ok(NODE_PACKAGES.every((name) => name in DEBIAN_PACKAGES));
  });

  it("finds missing what no PATH has", () => {
    const before = process.env["PATH"];
    process.env["PATH"] = "/nonexistent";
    try {
      // What is in sbin is found even so; nothing puts these two there.
      assert.deepEqual(missingPackages(["mmdebstrap", "golang-go", "mmdebstrap"]), ["golang-go", "mmdebstrap"]);
    } finally {
      process.env["PATH"] = before;
    }
  });
});

describe("disk", () => {
  it("is that of the folder's nearest ancestor", () => {
    assert.equal(Math.round(freeGiB("/tmp/not/there/yet")), Math.round(freeGiB("/tmp")));
  });

  it("names the folder and the need when it is too small", () => {
    requireDisk("/tmp", 0, "to do nothing");
    assert.throws(
      () => requireDisk("/tmp", 1e6, "to build everything"),
      /^Failure: \/tmp has \d+\.\d GiB free, and 1000000 GiB are needed to build everything$/,
    );
  });
});
