import { stringify } from "yaml";
import type { PoolSpec } from "../../stacks/pools.ts";
import type { StackSpec } from "../../stacks/schema.ts";
import { acceleratorOf } from "../compute/pools/machines.ts";
import { runbookOf, type Severity } from "./alerts.ts";
import {
  ACCELERATOR_UNHEALTHY_SECONDS,
  HARDWARE_XIDS,
  IDLE_FRACTION,
  IDLE_SECONDS,
  MACHINES_FAILING_SECONDS,
  METRICS_MISSING_SECONDS,
  NODE_NOT_READY_SECONDS,
  NODE_PRESSURE_SECONDS,
  NODE_UNHEALTHY_SECONDS,
  QUEUE_EVICTIONS,
  QUEUE_STUCK_SECONDS,
  THROTTLED_FRACTION,
  THROTTLED_SECONDS,
  XID_WINDOW_SECONDS,
} from "./defaults.ts";
import type { AlertingRule, RuleFile } from "./rules.ts";

/** What of a stack decides what can go wrong with its cluster. */
export type RuledStack = Pick<StackSpec, "pools"> & Partial<Pick<StackSpec, "scheduling">>;

export interface AlertGroup {
  readonly name: "nodes" | "accelerators" | "queues" | "machines";
  readonly rules: readonly AlertingRule[];
}

/**
 * What somebody should know of a cluster: its nodes always, its accelerators where pools have some, its queues where Kueue keeps
 * them, its machines where Karpenter makes them. Pure.
 *
 * They are of series of kube-state-metrics, dcgm-exporter (those of components/platform/addons/counters.ts), Kueue and Karpenter,
 * and ask that a series of a device says its node in `node`, and whose device it is in `exported_namespace` and `exported_pod`:
 * the scraper of components/platform/aws/metrics and the monitors of components/platform/addons see to that.
 */
export function platformRules({ pools, scheduling }: RuledStack): readonly AlertGroup[] {
  const vendors = new Set(pools.map((pool) => acceleratorOf(pool)?.device.vendor));
  vendors.delete(undefined);
  const groups: readonly AlertGroup[] = [
    { name: "nodes", rules: nodeAlerts() },
    {
      name: "accelerators",
      rules: [...(vendors.size > 0 ? [unhealthyAccelerator()] : []), ...(vendors.has("nvidia") ? nvidiaAlerts() : [])],
    },
    { name: "queues", rules: scheduling?.queues.kind === "kueue" ? queueAlerts() : [] },
    { name: "machines", rules: pools.some(isKarpenters) ? machineAlerts() : [] },
  ];
  return groups.filter(({ rules }) => rules.length > 0);
}

/** The same as files of rules by their names, for a Prometheus that takes files. */
export function platformRuleFiles(stack: RuledStack): Readonly<Record<string, string>> {
  return Object.fromEntries(
    platformRules(stack).map((group) => {
      const file: RuleFile = { groups: [group] };
      return [`${group.name}.rules`, stringify(file, { lineWidth: 0 })];
    }),
  );
}

interface Alert {
  readonly severity: Severity;
  /** How long it must be so before anybody is told. */
  readonly seconds: number;
  readonly expr: string;
  /** One line: what, and where. */
  readonly summary: string;
  /** What follows from it, and what is done about it by itself. */
  readonly description: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function alert(name: string, { severity, seconds, expr, labels, ...annotations }: Alert): AlertingRule {
  return {
    alert: name,
    expr,
    for: `${seconds}s`,
    labels: { severity, ...labels },
    annotations: { ...annotations, runbook: runbookOf(name) },
  };
}

/** A node that is cordoned is somebody's already: a person's, or the repair's. */
const NOT_CORDONED = "unless on (node) kube_node_spec_unschedulable == 1";

function nodeAlerts(): AlertingRule[] {
  return [
    alert("NodeNotReady", {
      severity: "warning",
      seconds: NODE_NOT_READY_SECONDS,
      expr: `kube_node_status_condition{condition="Ready",status="true"} == 0 ${NOT_CORDONED}`,
      summary: "{{ $labels.node }} is not ready",
      description:
        "Its pods are made anew elsewhere, where there is room; it is replaced when it has lasted half an hour.",
    }),
    alert("NodeUnhealthy", {
      severity: "warning",
      seconds: NODE_UNHEALTHY_SECONDS,
      expr: `${conditions("(Kernel|Networking|Storage|ContainerRuntime)Ready", "false")} ${NOT_CORDONED}`,
      summary: "{{ $labels.node }}: {{ $labels.condition }} is false",
      description:
        "The node's own monitor found a fault below Kubernetes; the node is replaced when it has lasted half an hour.",
    }),
    alert("NodePressure", {
      severity: "warning",
      seconds: NODE_PRESSURE_SECONDS,
      expr: `${conditions("(Memory|Disk|PID)Pressure", "true")} ${NOT_CORDONED}`,
      summary: "{{ $labels.node }}: {{ $labels.condition }}",
      description: "The kubelet evicts pods until there is enough again. No repair follows from it.",
    }),
    metricsMissing("nodes", "absent(kube_node_info)", "kube-state-metrics tells nothing"),
  ];
}

function conditions(names: string, status: "true" | "false"): string {
  return `kube_node_status_condition{condition=~"${names}",status="${status}"} == 1`;
}

/** Whoever is silent is not well: none of a group's alerts fires without its series. */
function metricsMissing(part: AlertGroup["name"], expr: string, summary: string): AlertingRule {
  return alert("PlatformMetricsMissing", {
    severity: "warning",
    seconds: METRICS_MISSING_SECONDS,
    labels: { part },
    expr,
    summary,
    description: `Of the ${part} nothing else is told until this is mended.`,
  });
}

/** Of every vendor's devices, by the node's own monitor. */
function unhealthyAccelerator(): AlertingRule {
  return alert("AcceleratorUnhealthy", {
    severity: "critical",
    seconds: ACCELERATOR_UNHEALTHY_SECONDS,
    expr: conditions("AcceleratedHardwareReady", "false"),
    summary: "{{ $labels.node }}: accelerators are not ready",
    description: "The node is restarted or replaced ten minutes after it began, and no pod there is waited for.",
  });
}

/** A part of a device, where MIG makes parts, and a pod that has it. */
const DEVICE = "node, gpu, UUID";
const USER = `${DEVICE}, GPU_I_ID, exported_namespace, exported_pod`;

function nvidiaAlerts(): AlertingRule[] {
  const window = `${XID_WINDOW_SECONDS}s`;
  return [
    // A gauge of errors in a window, though its type says otherwise: neither rate() nor increase() fits it. The gauge of the last
    // error, DCGM_FI_DEV_XID_ERRORS, stays for ever, and a harmless error hides a fatal one in it.
    alert("GpuXid", {
      severity: "critical",
      seconds: 0,
      expr:
        `max by (${DEVICE}, xid) ` +
        `(max_over_time(DCGM_EXP_XID_ERRORS_COUNT{xid=~"${HARDWARE_XIDS.join("|")}"}[${window}])) > 0`,
      summary: "{{ $labels.node }}: device {{ $labels.gpu }} reports XID {{ $labels.xid }}",
      description:
        "The driver reports a fault of the hardware: what runs there fails or hangs until the device is reset.",
    }),
    alert("GpuRowRemapFailure", {
      severity: "critical",
      seconds: 0,
      expr: `max by (${DEVICE}) (DCGM_FI_DEV_ROW_REMAP_FAILURE) > 0`,
      summary: "{{ $labels.node }}: device {{ $labels.gpu }} has no spare rows of memory left",
      description: "The next error of its memory will not be mended. The device has to be replaced.",
    }),
    alert("GpuThrottled", {
      severity: "warning",
      seconds: THROTTLED_SECONDS,
      // The counter is of nanoseconds.
      expr: `max by (${DEVICE}) (rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m])) / 1e9 > ${THROTTLED_FRACTION}`,
      summary:
        "{{ $labels.node }}: device {{ $labels.gpu }} is held down by heat {{ $value | humanizePercentage }} of the time",
      description: "A training goes as fast as its slowest device.",
    }),
    alert("GpuIdle", {
      severity: "info",
      seconds: IDLE_SECONDS,
      // Not DCGM_FI_DEV_GPU_UTIL, which devices that MIG parts do not tell.
      expr:
        `max by (${USER}) (avg_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE{exported_pod!=""}[15m])) ` +
        `< ${IDLE_FRACTION}`,
      summary:
        "{{ $labels.exported_namespace }}/{{ $labels.exported_pod }} uses {{ $value | humanizePercentage }} of a device " +
        "on {{ $labels.node }}",
      description: "The device is paid for and nobody else can have it.",
    }),
    metricsMissing(
      "accelerators",
      'max by (node) (kube_node_status_capacity{resource=~"nvidia_com_.+"}) > 0 ' +
        "unless on (node) count by (node) (DCGM_FI_DEV_GPU_TEMP)",
      "{{ $labels.node }}: dcgm-exporter tells nothing of its devices",
    ),
  ];
}

function queueAlerts(): AlertingRule[] {
  return [
    alert("QueueStuck", {
      severity: "warning",
      seconds: QUEUE_STUCK_SECONDS,
      // Each replica of Kueue tells the same.
      expr:
        "sum by (cluster_queue) (max by (cluster_queue, status) (kueue_pending_workloads)) > 0 " +
        "unless on (cluster_queue) sum by (cluster_queue) (increase(kueue_admitted_workloads_total[10m])) > 0",
      summary: "{{ $labels.cluster_queue }}: {{ $value }} workloads wait, and none is admitted for hours",
      description: "Either what runs is very long, or what waits fits nowhere.",
    }),
    alert("QueueEvictions", {
      severity: "warning",
      seconds: 0,
      expr:
        // What ends in the window is extrapolated: three would be a little more than three.
        "round(sum by (cluster_queue, reason) " +
        `(increase(kueue_evicted_workloads_total{reason=~"NodeFailures|PodsReadyTimeout"}[1h]))) > ${QUEUE_EVICTIONS}`,
      summary: "{{ $labels.cluster_queue }}: {{ $value }} workloads were taken back in an hour ({{ $labels.reason }})",
      description: "They wait in the queue again, and what they had done since their last checkpoint is lost.",
    }),
    metricsMissing("queues", "absent(kueue_pending_workloads)", "Kueue tells nothing"),
  ];
}

/** Why Karpenter gives up a machine before it is a node. */
const NEVER_A_NODE = ["insufficient_capacity", "launch_timeout", "nodeclass_not_ready", "registration_timeout"];

function machineAlerts(): AlertingRule[] {
  return [
    alert("MachinesFailing", {
      severity: "warning",
      seconds: MACHINES_FAILING_SECONDS,
      expr:
        "sum by (nodepool, reason) " +
        `(increase(karpenter_nodeclaims_disrupted_total{reason=~"${NEVER_A_NODE.join("|")}"}[20m])) > 0`,
      summary: "{{ $labels.nodepool }}: machines do not become nodes ({{ $labels.reason }})",
      description: "Karpenter goes on trying; until then pods that need the pool wait.",
    }),
    metricsMissing(
      "machines",
      "absent(karpenter_cluster_state_synced == 1)",
      "Karpenter tells nothing, or knows nothing",
    ),
  ];
}

function isKarpenters({ provisioning }: PoolSpec): boolean {
  return provisioning.kind === "karpenter";
}
