import { CHARTS } from "../charts.ts";
import type { AddonContext, Values } from "../types.ts";

/**
 * Of KEDA. On Amazon's Prometheus it asks as its own account, `keda-operator` in `keda`, which needs a role that may query.
 *
 * @param monitored whether the cluster has the Prometheus Operator
 */
export function kedaValues({ clusterName }: Pick<AddonContext, "clusterName">, monitored: boolean): Values {
  return {
    clusterName,
    operator: { replicaCount: 2 },
    metricsServer: { replicaCount: 2 },
    podDisruptionBudget: { operator: { minAvailable: 1 }, metricServer: { minAvailable: 1 } },
    prometheus: {
      operator: { enabled: true, serviceMonitor: { enabled: monitored } },
      metricServer: { enabled: true, serviceMonitor: { enabled: monitored } },
    },
  };
}

/** Of JobSet. The image by its version: a chart from the repository's head would run whatever is newest. */
export function jobsetValues(): Values {
  return {
    image: {
      repository: "registry.k8s.io/jobset/jobset",
      tag: `v${CHARTS.jobset.appVersion}`,
      pullPolicy: "IfNotPresent",
    },
    controller: { replicas: 2, podDisruptionBudget: { enabled: true, minAvailable: 1 } },
  };
}

/** Of LeaderWorkerSet; the image as JobSet's. */
export function lwsValues(): Values {
  return {
    replicaCount: 2,
    image: {
      manager: { repository: "registry.k8s.io/lws/lws", tag: `v${CHARTS.lws.appVersion}`, pullPolicy: "IfNotPresent" },
    },
  };
}

/** Of kube-state-metrics, in a cluster whose metrics are AWS's: of nodes alone, which the platform's own alerts are about. */
export function nodeStateValues(): Values {
  return {
    collectors: ["nodes"],
    priorityClassName: "system-cluster-critical",
    resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "256Mi" } },
  };
}

/** Of kube-prometheus-stack, in a cluster that keeps its metrics itself. */
export function prometheusValues(): Values {
  // Without these it looks at nothing but what this very release installed.
  const selectors = Object.fromEntries(
    ["rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig"].map((kind) => [
      `${kind}SelectorNilUsesHelmValues`,
      false,
    ]),
  );
  // AWS runs these, and lets nobody ask them for their metrics.
  const hidden = Object.fromEntries(
    ["kubeControllerManager", "kubeScheduler", "kubeEtcd"].map((part) => [part, { enabled: false }]),
  );
  return {
    ...hidden,
    // Ours say the same of nodes, and have pages that say what to do.
    defaultRules: { disabled: { KubeNodeNotReady: true, KubeNodePressure: true } },
    // Its password is drawn when the chart is rendered, and none of its dashboards is ours.
    grafana: { enabled: false },
    prometheus: {
      prometheusSpec: {
        ...selectors,
        retention: "15d",
        retentionSize: "90GB",
        resources: { requests: { cpu: "1", memory: "4Gi" }, limits: { memory: "4Gi" } },
        storageSpec: {
          volumeClaimTemplate: {
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "100Gi" } } },
          },
        },
      },
    },
  };
}
