import assert from "node:assert/strict";
import fc from "fast-check";
import { clusterLayout } from "../../../scripts/cluster/layout.ts";
import {
  cniConfig,
  containerdConfig,
  corefile,
  kubeletConfig,
  kubeletFlags,
  kubeProxyFlags,
  type NodeFacts,
  nameservers,
} from "../../../scripts/cluster/node-config.ts";

const LAYOUT = clusterLayout("/state");
const FACTS: NodeFacts = {
  pauseImage: "example/pause:1",
  resolvConf: "/etc/resolv.conf",
  maySetOomScore: false,
  mtu: 1400,
};

describe("node configuration", () => {
  it("lets containerd start sandboxes without CAP_SYS_RESOURCE, all below the state root", () => {
    const config = containerdConfig(LAYOUT, FACTS);
    assert.match(config, /^ {2}restrict_oom_score_adj = true$/m);
    assert.match(config, /^ {2}sandbox_image = "example\/pause:1"$/m);
    assert.match(config, /^ {2}netns_mounts_under_state_dir = true$/m);
    for (const match of config.matchAll(/"(\/[^"]*)"/g)) {
      assert.ok(match[1]!.startsWith("/state/") || match[1] === "/usr/lib/cni", match[1]);
    }
  });

  it("quotes what a path may contain", () => {
    const config = containerdConfig(clusterLayout('/odd "place"\\here'), FACTS);
    assert.match(config, /^root = "\/odd \\"place\\"\\\\here\/containerd"$/m);
  });

  it("gives the kubelet the settings a node without systemd and on cgroup v1 needs", () => {
    const config = JSON.parse(kubeletConfig(LAYOUT, FACTS)) as Record<string, unknown>;
    assert.equal(config["failCgroupV1"], false);
    assert.equal(config["cgroupDriver"], "cgroupfs");
    assert.deepEqual(config["enforceNodeAllocatable"], []);
    assert.equal(config["localStorageCapacityIsolation"], false);
    assert.equal(config["oomScoreAdj"], 0);
    assert.deepEqual(config["authentication"], {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: "/state/pki/ca.crt" },
    });
    assert.deepEqual(config["authorization"], { mode: "Webhook" });
    const privileged = JSON.parse(kubeletConfig(LAYOUT, { ...FACTS, maySetOomScore: true })) as Record<string, unknown>;
    assert.equal(privileged["oomScoreAdj"], -999);
  });

  it("names the node and its address", () => {
    const flags = kubeletFlags(LAYOUT, "/k", "/c");
    assert.ok(flags.includes("--hostname-override=millwright") && flags.includes("--node-ip=10.244.0.1"));
  });

  it("leaves the machine's connection tracking as it is", () => {
    const flags = kubeProxyFlags("/k", { maySetOomScore: false });
    assert.ok(flags.includes("--conntrack-max-per-core=0") && flags.includes("--conntrack-min=0"));
    assert.ok(flags.includes("--oom-score-adj=0"));
    assert.ok(!kubeProxyFlags("/k", { maySetOomScore: true }).some((flag) => flag.includes("oom")));
  });

  it("gives pods the machine's packet size and the node's network", () => {
    const { plugins } = JSON.parse(cniConfig(LAYOUT, FACTS)) as { plugins: Record<string, unknown>[] };
    assert.equal(plugins[0]?.["mtu"], 1400);
    assert.deepEqual(
      plugins.map(({ type }) => type),
      ["bridge", "portmap"],
    );
  });

  it("forwards other names as the machine does, and not at all where it knows no server", () => {
    assert.match(corefile("/k", ["192.0.2.1", "192.0.2.2"]), /^ {4}forward \. 192\.0\.2\.1 192\.0\.2\.2$/m);
    assert.doesNotMatch(corefile("/k", []), /forward/);
  });

  it("remembers for two seconds only that a name was not there", () => {
    assert.match(corefile("/k", []), /denial 9984 2/);
  });

  it("reads the nameservers of any resolv.conf", () => {
    assert.deepEqual(
      nameservers("# nameserver 9.9.9.9\nnameserver 192.0.2.1\n  nameserver\tfe80::1%eth0\nsearch x\n"),
      ["192.0.2.1", "fe80::1%eth0"],
    );
    fc.assert(
      fc.property(fc.array(fc.ipV4()), (servers) => {
        const text = servers.map((server) => `nameserver ${server}\noptions ndots:1\n`).join("");
        assert.deepEqual(nameservers(text), servers);
      }),
    );
  });
});
