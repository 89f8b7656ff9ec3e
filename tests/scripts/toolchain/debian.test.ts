import assert from "node:assert/strict";
import { aptComplaint, DEBIAN_PACKAGES, missingPackages, NODE_PACKAGES } from "../../../scripts/toolchain/debian.ts";
import { freeGiB, requireDisk, requireFolder } from "../../../scripts/toolchain/disk.ts";

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

describe("apt's complaint", () => {
  const fetching = "W: Failed to fetch http://a/dists/InRelease  Could not connect";
  const cases: [string, string[], string | undefined][] = [
    [
      "is that it could not fetch",
      [`${fetching}\n`, "E: Unable to locate package runc"],
      fetching.slice(3).replace("  ", " "),
    ],
    ["is its first error otherwise", ["W: old\n", "Reading...\nE: no space left\nE: gave up"], "no space left"],
    ["is not made up", ["", "Killed"], undefined],
  ];
  for (const [title, outputs, expected] of cases) {
    it(title, () => assert.equal(aptComplaint(...outputs), expected));
  }
});

describe("disk", () => {
  it("is that of the folder's nearest ancestor", () => {
    assert.equal(Math.round(freeGiB("/tmp/not/there/yet")), Math.round(freeGiB("/tmp")));
  });

  it("names a folder that cannot be made and the variable that moves it", () => {
    assert.throws(
      () => requireFolder("/dev/null/cache", "MILLWRIGHT_CACHE"),
      /^Failure: \/dev\/null\/cache cannot be written to \(ENOTDIR\)$/,
    );
  });

  it("names the folder and the need when it is too small", () => {
    requireDisk("/tmp", 0, "to do nothing");
    assert.throws(
      () => requireDisk("/tmp", 1e6, "to build everything"),
      /^Failure: \/tmp has \d+\.\d GiB free, and 1000000 GiB are needed to build everything$/,
    );
  });
});
