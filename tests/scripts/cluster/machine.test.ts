import assert from "node:assert/strict";
import fc from "fast-check";
import {
  capabilities,
  judgeMachine,
  type MachineFacts,
  overlapping,
  podResolvConf,
} from "../../../scripts/cluster/machine.ts";

const GOOD: MachineFacts = {
  platform: "linux",
  uid: 0,
  capabilities: 0x1fffeffffffn,
  cgroupsMounted: true,
  overlay: true,
  missing: [],
  freeDiskGiB: 50,
  takenPorts: [],
  overlaps: [],
};

describe("machine: what is asked of a node", () => {
  it("is met by a Debian machine as root, also without CAP_SYS_RESOURCE", () => {
    assert.equal(judgeMachine(GOOD), undefined);
    assert.equal((GOOD.capabilities >> 24n) & 1n, 0n);
  });

  const elsewhere = /kind: existing, context:.*kind, k3d, minikube/;
  const cases: [string, Partial<MachineFacts>, RegExp, RegExp][] = [
    ["macOS", { platform: "darwin" }, /needs Linux, and this is darwin/, elsewhere],
    ["an ordinary user", { uid: 1000 }, /needs root, and this is user 1000/, elsewhere],
    ["a container without capabilities", { capabilities: 0xa80425fbn }, /CAP_NET_ADMIN and CAP_SYS_ADMIN/, elsewhere],
    ["no cgroups", { cgroupsMounted: false }, /no cgroups at \/sys\/fs\/cgroup/, elsewhere],
    ["no overlay", { overlay: false }, /no overlay file systems/, elsewhere],
    [
      "missing programs",
      { missing: ["runc", "/usr/lib/cni/bridge"] },
      /runc, \/usr\/lib\/cni\/bridge/,
      /apt-get install/,
    ],
    ["a full disk", { freeDiskGiB: 1.26 }, /1\.3 GiB left/, /MILLWRIGHT_HOME/],
    [
      "a taken port",
      { takenPorts: [{ port: 6443, part: "kube-apiserver", holder: "k3s (process 7)" }] },
      /6443 \(kube-apiserver\) by k3s \(process 7\)/,
      elsewhere,
    ],
    ["an overlapping network", { overlaps: ["10.0.0.0/8 (tun0)"] }, /10\.0\.0\.0\/8 \(tun0\)/, elsewhere],
  ];
  for (const [what, change, message, remedy] of cases) {
    it(`is not met by ${what}: it is named with what to do`, () => {
      const failure = judgeMachine({ ...GOOD, ...change });
      assert.match(failure?.message ?? "", message);
      assert.match(failure?.remedy ?? "", remedy);
    });
  }

  it("reads effective capabilities, and none where none are told", () => {
    assert.equal(capabilities("CapPrm:\t0000000000000001\nCapEff:\t000001fffeffffff\n"), 0x1fffeffffffn);
    assert.equal(capabilities(""), 0n);
  });
});

describe("machine: overlapping networks", () => {
  const networks = ["10.244.0.0/16", "10.96.0.0/16"];

  it("are found whichever contains the other, but not behind our bridge or by default", () => {
    const routes = [
      { dst: "default", dev: "eth0" },
      { dst: "10.244.0.0/24", dev: "millwright0" },
      { dst: "10.244.7.0/24", dev: "cni0" },
      { dst: "10.0.0.0/8", dev: "tun0" },
      { dst: "10.96.0.10", dev: "lo" },
      { dst: "192.0.2.0/24", dev: "eth0" },
      { dst: "10.97.0.0/16", dev: "eth0" },
    ];
    assert.deepEqual(overlapping(routes, networks), ["10.244.7.0/24 (cni0)", "10.0.0.0/8 (tun0)", "10.96.0.10 (lo)"]);
  });

  it("never depend on the order", () => {
    const network = fc
      .tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 }))
      .map(([address, length]) => `${address}/${length}`);
    fc.assert(
      fc.property(network, network, (one, other) => {
        const found = (dst: string, net: string) => overlapping([{ dst }], [net]).length;
        assert.equal(found(one, other), found(other, one));
        assert.equal(found(one, one), 1);
      }),
    );
  });
});

describe("machine: the resolver pods are given", () => {
  it("is never systemd's loopback address where its own list is there", () => {
    assert.equal(podResolvConf(["127.0.0.53"], true), "/run/systemd/resolve/resolv.conf");
    assert.equal(podResolvConf(["127.0.0.53"], false), "/etc/resolv.conf");
    assert.equal(podResolvConf(["192.0.2.1"], true), "/etc/resolv.conf");
    assert.equal(podResolvConf([], true), "/etc/resolv.conf");
  });
});
