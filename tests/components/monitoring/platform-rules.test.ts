import assert from "node:assert/strict";
import { parse } from "yaml";
import { HARDWARE_XIDS } from "../../../components/monitoring/defaults.ts";
import { platformRuleFiles, platformRules, type RuledStack } from "../../../components/monitoring/platform-rules.ts";
import { countersFile } from "../../../components/platform/addons/counters.ts";
import { FULL_STACK, KUEUE, PLAIN_POOL, stackOf } from "../platform/addons/fixtures.ts";
import { H100_POOL, L40S_POOL } from "../serving/language/fixtures.ts";

const TRAINIUM = {
  ...PLAIN_POOL,
  provisioning: { ...PLAIN_POOL.provisioning, instanceTypes: ["trn2.48xlarge"] } as never,
};
const rulesOf = (stack: RuledStack) => platformRules(stack).flatMap(({ rules }) => [...rules]);

/** Series that are not dcgm-exporter's, by who tells them, as the versions in components/platform/addons/charts.ts name them. */
const OTHERS = [
  // kube-state-metrics, of nodes alone
  "kube_node_info",
  "kube_node_spec_unschedulable",
  "kube_node_status_capacity",
  "kube_node_status_condition",
  // Kueue, pkg/metrics/metrics.go
  "kueue_admitted_workloads_total",
  "kueue_evicted_workloads_total",
  "kueue_pending_workloads",
  // Karpenter, pkg/metrics/metrics.go and pkg/controllers/state/metrics.go
  "karpenter_cluster_state_synced",
  "karpenter_nodeclaims_disrupted_total",
];

describe("the groups of a platform's rules", () => {
  for (const [what, stack, expected] of [
    ["nothing at all", stackOf({}), ["nodes"]],
    ["machines without devices", stackOf({ pools: [PLAIN_POOL] }), ["nodes"]],
    ["a group of nodes with NVIDIA's devices", stackOf({ pools: [H100_POOL] }), ["nodes", "accelerators"]],
    ["AWS's own devices", stackOf({ pools: [TRAINIUM] }), ["nodes", "accelerators"]],
    ["a pool of Karpenter's", stackOf({ pools: [L40S_POOL] }), ["nodes", "accelerators", "machines"]],
    ["queues of Kueue", stackOf({ pools: [PLAIN_POOL], scheduling: KUEUE }), ["nodes", "queues"]],
    ["quotas of the core", stackOf({ scheduling: { ...KUEUE, queues: { kind: "resourceQuota" } } }), ["nodes"]],
    ["everything", FULL_STACK, ["nodes", "accelerators", "queues", "machines"]],
  ] satisfies [string, RuledStack, string[]][]) {
    it(`are of what there is: ${what}`, () => {
      const groups = platformRules(stack);
      assert.deepEqual(
        groups.map(({ name }) => name),
        expected,
      );
      assert.ok(groups.every(({ rules }) => rules.length > 0));
    });
  }

  it("ask dcgm-exporter only where NVIDIA's devices are", () => {
    const asks = (stack: RuledStack) => rulesOf(stack).some(({ expr }) => /DCGM|nvidia/.test(expr));
    assert.equal(asks(stackOf({ pools: [TRAINIUM] })), false);
    assert.equal(asks(stackOf({ pools: [H100_POOL] })), true);
    assert.ok(rulesOf(stackOf({ pools: [TRAINIUM] })).some(({ alert }) => alert === "AcceleratorUnhealthy"));
  });

  it("ask for nothing that the add-ons do not tell", () => {
    const told = new Set([...OTHERS, ...countersFile().matchAll(/^DCGM\w+/gm)].map(String));
    const asked = new Set(
      rulesOf(FULL_STACK).flatMap(({ expr }) => expr.match(/\b(?:DCGM|kube|kueue|karpenter)_\w+/g) ?? []),
    );
    assert.deepEqual(
      [...asked].filter((name) => !told.has(name)),
      [],
    );
    assert.deepEqual(
      OTHERS.filter((name) => !asked.has(name)),
      [],
    );
  });

  it("say in every alert how bad it is, what it is, what follows and what to do", () => {
    const alerts = rulesOf(FULL_STACK);
    for (const { alert, labels, annotations, for: lasting } of alerts) {
      assert.match(labels["severity"] ?? "", /^(info|warning|critical)$/, alert);
      assert.match(lasting, /^\d+s$/, alert);
      for (const text of ["summary", "description", "runbook"]) assert.ok(annotations[text], `${alert} ${text}`);
    }
    // The same name is only of the same thing in another part.
    const keys = alerts.map(({ alert, labels }) => `${alert} ${labels["part"] ?? ""}`);
    assert.equal(new Set(keys).size, keys.length);
  });

  it("take no error for the hardware's that programs cause", () => {
    for (const xid of [8, 11, 13, 31, 32, 37, 43, 45, 63, 68, 69, 92, 94])
      assert.ok(!HARDWARE_XIDS.includes(xid), `${xid}`);
    assert.deepEqual(
      [...new Set(HARDWARE_XIDS)].toSorted((a, b) => a - b),
      HARDWARE_XIDS,
    );
  });

  it("are files of the same by names that Amazon Managed Prometheus takes", () => {
    const files = platformRuleFiles(FULL_STACK);
    assert.deepEqual(
      Object.values(files).map((text) => parse(text)),
      platformRules(FULL_STACK).map((group) => ({ groups: [group] })),
    );
    for (const name of Object.keys(files)) assert.match(name, /^[0-9A-Za-z][-.0-9A-Z_a-z]{0,63}$/);
  });
});
