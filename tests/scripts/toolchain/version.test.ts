import assert from "node:assert/strict";
import fc from "fast-check";
import { atLeast, moduleVersionIn, serves, versionIn } from "../../../scripts/toolchain/version.ts";

const version = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30)).map((parts) => parts.join("."));

describe("version", () => {
  const texts: [string, string | undefined][] = [
    ["go version go1.26.8 linux/amd64", "1.26.8"],
    ["etcd Version: 3.7.3\nGit SHA: Not provided", "3.7.3"],
    ["v3.259.0\n", "3.259.0"],
    ["Client Version: v1.36.3\nKustomize Version: v5.8.0", "1.36.3"],
    ["CoreDNS-1.15.0\nlinux/amd64, go1.26.8, ", "1.15.0"],
    ["go version devel", undefined],
  ];
  for (const [text, expected] of texts) {
    it(`reads ${expected} in ${JSON.stringify(text)}`, () => assert.equal(versionIn(text), expected));
  }

  const pairs: [string, string, boolean][] = [
    ["1.26.8", "1.26.0", true],
    ["1.9.9", "1.26.0", false],
    ["1.26", "1.26.0", true],
    ["2.0", "1.26.0", true],
    ["1.19.8", "1.26.0", false],
  ];
  for (const [a, b, expected] of pairs) {
    it(`${a} ${expected ? "serves" : "does not serve"} for ${b}`, () => assert.equal(atLeast(a, b), expected));
  }

  it("reads the version of the module a program was built from, and of no other", () => {
    const text =
      "/x/keda: go1.26.8\n\tpath\tgithub.com/kedacore/keda/v2/cmd/operator\n\tmod\tmillwright.dev/tools/keda\t(devel)\t\n" +
      "\tdep\tgithub.com/kedacore/keda/v2/other\tv9.9.9\th1:a=\n\tdep\tgithub.com/kedacore/keda/v2\tv2.21.0\th1:b=\n";
    assert.equal(moduleVersionIn(text, "github.com/kedacore/keda/v2"), "2.21.0");
    assert.equal(moduleVersionIn(text, "github.com/kedacore/keda"), undefined);
  });

  it("orders any two versions one way", () => {
    fc.assert(fc.property(version, version, (a, b) => (atLeast(a, b) && atLeast(b, a)) === (a === b)));
  });

  it("takes a newer Go from PATH, but no other Pulumi and nothing unasked", () => {
    assert.ok(serves("go", "1.27.1"));
    assert.ok(!serves("go", "1.25.9"));
    assert.ok(!serves("go", undefined));
    assert.ok(serves("pulumi", "3.259.0"));
    assert.ok(!serves("pulumi", "3.260.0"));
    assert.ok(!serves("etcd", "3.7.3"));
  });
});
