import type { PoolSpec } from "../../../../stacks/pools.ts";
import { devicePluginConfigs, WHOLE_DEVICES_CONFIG } from "../../../compute/pools/devices.ts";
import { countersFile } from "../counters.ts";
import type { Values } from "../types.ts";
import { tolerationsOf } from "./tolerations.ts";

/**
 * Of NVIDIA's operator, for pools with NVIDIA's devices. EKS's images bring the driver and the container toolkit, so it
 * installs neither. It names MIG instances by their profile (`mixed`), or who asks for a whole device might get a part of one,
 * and takes the device plugin's configurations, which pools' nodes ask for by label.
 *
 * @param monitored whether the cluster has the Prometheus Operator
 */
export function gpuOperatorValues(pools: readonly PoolSpec[], monitored: boolean): Values {
  const tolerations = tolerationsOf(pools);
  return {
    driver: { enabled: false },
    toolkit: { enabled: false },
    mig: { strategy: "mixed" },
    migManager: { enabled: pools.some(({ devices }) => devices.kind === "mig") },
    devicePlugin: {
      config: {
        create: true,
        name: "millwright-device-plugin",
        default: WHOLE_DEVICES_CONFIG,
        data: devicePluginConfigs(pools),
      },
    },
    dcgmExporter: {
      config: { create: true, name: "millwright-dcgm-counters", data: countersFile() },
      serviceMonitor: {
        enabled: monitored,
        // The exporter's own label of its node has changed its name before.
        relabelings: [{ sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "node" }],
      },
    },
    daemonsets: { tolerations },
    "node-feature-discovery": { worker: { tolerations } },
  };
}
