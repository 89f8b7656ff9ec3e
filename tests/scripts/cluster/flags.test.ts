import assert from "node:assert/strict";
import { CONTROL_PLANE_PORTS } from "../../../scripts/cluster/constants.ts";
import {
  AUDIT_POLICY,
  apiServerFlags,
  type ControlPlaneSettings,
  controllerManagerFlags,
  etcdFlags,
  schedulerConfiguration,
  schedulerFlags,
} from "../../../scripts/cluster/control-plane-flags.ts";
import { controlPlaneLayout } from "../../../scripts/cluster/layout.ts";

const SETTINGS: ControlPlaneSettings = {
  layout: controlPlaneLayout("/state"),
  ports: CONTROL_PLANE_PORTS,
  node: true,
  auditLog: true,
  durable: true,
  placement: "spread",
};

describe("flags of the control plane", () => {
  it("give the API server RBAC, node authorisation and NodeRestriction, and no anonymous user", () => {
    const flags = apiServerFlags(SETTINGS);
    for (const flag of [
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--anonymous-auth=false",
      "--client-ca-file=/state/pki/ca.crt",
      "--kubelet-certificate-authority=/state/pki/ca.crt",
      "--audit-log-path=/state/logs/audit.log",
      "--kubelet-preferred-address-types=InternalIP",
    ]) {
      assert.ok(flags.includes(flag), flag);
    }
  });

  it("let pods reach the API server only where there is a node", () => {
    assert.ok(apiServerFlags(SETTINGS).includes("--bind-address=0.0.0.0"));
    assert.ok(apiServerFlags(SETTINGS).includes("--advertise-address=10.244.0.1"));
    const alone = apiServerFlags({ ...SETTINGS, node: false });
    assert.ok(alone.includes("--bind-address=127.0.0.1"));
    assert.ok(alone.includes("--endpoint-reconciler-type=none"));
    assert.ok(!alone.some((flag) => flag.startsWith("--advertise-address")));
  });

  it("write no audit log where none is wanted", () => {
    assert.ok(!apiServerFlags({ ...SETTINGS, auditLog: false }).some((flag) => flag.startsWith("--audit")));
  });

  it("keep etcd to this machine and to those with a certificate", () => {
    const flags = etcdFlags(SETTINGS);
    const urls = flags.filter((flag) => /^--(listen|advertise|initial-advertise).*urls=/.test(flag));
    assert.equal(urls.length, 4);
    assert.ok(
      urls.every((flag) => flag.includes("=https://127.0.0.1:")),
      urls.join(" "),
    );
    assert.ok(flags.includes("--client-cert-auth=true") && flags.includes("--peer-client-cert-auth=true"));
  });

  it("skip fsync only where the state may be lost", () => {
    assert.ok(!etcdFlags(SETTINGS).some((flag) => flag.includes("unsafe")));
    assert.ok(etcdFlags({ ...SETTINGS, durable: false }).includes("--unsafe-no-fsync=true"));
  });

  it("keep controllers and scheduler to this machine", () => {
    for (const flags of [controllerManagerFlags(SETTINGS), schedulerFlags(SETTINGS)]) {
      assert.ok(flags.includes("--bind-address=127.0.0.1"));
    }
    assert.ok(controllerManagerFlags(SETTINGS).includes("--kube-api-qps=500"));
    assert.ok(controllerManagerFlags(SETTINGS).includes("--cluster-cidr=10.244.0.0/16"));
    assert.ok(!controllerManagerFlags({ ...SETTINGS, node: false }).some((flag) => flag.includes("cidr")));
  });

  it("tell the controllers how long nodes may be silent and how many Jobs to see to, where it is said", () => {
    const plain = controllerManagerFlags(SETTINGS);
    assert.ok(!plain.some((flag) => /node-monitor-grace-period|concurrent-job-syncs/.test(flag)));
    const told = controllerManagerFlags({ ...SETTINGS, nodeSilenceSeconds: 600, jobSyncs: 20 });
    assert.ok(told.includes("--node-monitor-grace-period=600s") && told.includes("--concurrent-job-syncs=20"));
  });

  it("leave to the scheduler's file what it would ignore beside it", () => {
    const flags = schedulerFlags(SETTINGS);
    assert.ok(flags.includes("--config=/state/config/scheduler.json"));
    assert.ok(!flags.some((flag) => /^--(kubeconfig|leader-elect|profiling|kube-api-)/.test(flag)), flags.join(" "));
    const file = JSON.parse(schedulerConfiguration(SETTINGS)) as { clientConnection: object; leaderElection: object };
    const kubeconfig = "/state/kubeconfigs/scheduler.kubeconfig";
    assert.deepEqual(file.clientConnection, { kubeconfig, qps: 500, burst: 1000 });
    assert.deepEqual(file.leaderElection, { leaderElect: false });
  });

  it("log who did what to every object, and no bodies", () => {
    const policy = JSON.parse(AUDIT_POLICY) as { rules: { level: string; nonResourceURLs?: string[] }[] };
    assert.deepEqual(
      policy.rules.map(({ level }) => level),
      ["None", "Metadata"],
    );
    assert.ok(policy.rules[0]?.nonResourceURLs?.every((url) => /z\*$/.test(url)));
  });
});
