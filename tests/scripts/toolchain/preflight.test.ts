import assert from "node:assert/strict";
import { type InstallFacts, judge } from "../../../scripts/toolchain/preflight.ts";

/** A fresh machine on which everything can be installed. Whether it can be a node is tests/scripts/cluster's matter. */
const FRESH: InstallFacts = {
  packages: ["containerd", "runc"],
  hasApt: true,
  tools: ["kubernetes", "etcd", "pulumi", "coredns"],
  cacheRoot: "/home/x/.cache/millwright",
  freeDiskGiB: 40,
};

describe("preflight", () => {
  const fine: [string, Partial<InstallFacts>][] = [
    ["a fresh Debian machine", {}],
    ["a machine without apt that has the packages", { packages: [], hasApt: false }],
    ["a machine whose disk is nearly full and has every tool", { tools: [], freeDiskGiB: 0.5 }],
    ["a machine that only has to build a small tool", { tools: ["etcd"], freeDiskGiB: 8 }],
  ];
  for (const [title, change] of fine) {
    it(`lets ${title} pass`, () => assert.equal(judge({ ...FRESH, ...change }), undefined));
  }

  it("sends a machine without apt to a cluster that exists", () => {
    const failure = judge({ ...FRESH, hasApt: false });
    assert.match(failure?.message ?? "", /needs the Debian packages containerd, runc, and this machine has no apt$/);
    assert.match(
      failure?.remedy ?? "",
      /platform\.cluster: \{ kind: existing, context: <context> \} \(kind, k3d, minikube/,
    );
  });

  it("names the folder, what is free and what is needed when the disk is too small", () => {
    const failure = judge({ ...FRESH, freeDiskGiB: 4.26 });
    assert.equal(
      failure?.message,
      "/home/x/.cache/millwright has 4.3 GiB free, and building kubernetes, etcd, pulumi, coredns may need 15 GiB",
    );
    assert.match(failure?.remedy ?? "", /MILLWRIGHT_CACHE/);
  });
});
