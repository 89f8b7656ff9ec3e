import { stringify } from "yaml";
import { CHARTS } from "../charts.ts";
import type { Values } from "../types.ts";

/** Seconds a workload that was admitted may take until all its pods are ready, at least: Kueue's own default. */
const READY_SECONDS = 1800;

/** Seconds a machine and an image of some 10 GB take beside what an endpoint says of itself. */
const MACHINE_SECONDS = 1500;

/**
 * Of Kueue. Its whole configuration is one text in the chart, so what is not changed is in it, too.
 *
 * - Workloads whose pods are not all ready in time are evicted, and their quota goes to others: so the time is as long as the
 *   slowest endpoint's start, with a machine and an image on top. It is for all workloads alike.
 * - Fair shares, or the teams' weights would have no effect.
 * - Metrics of each queue's resources, which it leaves out by default.
 *
 * @param startupSeconds of each endpoint that may wait in a queue
 * @param monitored whether the cluster has the Prometheus Operator
 */
export function kueueValues(startupSeconds: readonly number[], monitored: boolean): Values {
  const { appVersion } = CHARTS.kueue;
  return {
    enablePrometheus: monitored,
    controllerManager: {
      replicas: 2,
      podDisruptionBudget: { enabled: true, minAvailable: 1 },
      manager: {
        image: { repository: "registry.k8s.io/kueue/kueue", tag: `v${appVersion}`, pullPolicy: "IfNotPresent" },
      },
    },
    managerConfig: { controllerManagerConfigYaml: stringify(kueueConfiguration(startupSeconds), { lineWidth: 0 }) },
  };
}

/** Kueue's configuration, `config.kueue.x-k8s.io/v1beta2`. */
export function kueueConfiguration(startupSeconds: readonly number[]) {
  const readySeconds = Math.max(READY_SECONDS, ...startupSeconds.map((seconds) => seconds + MACHINE_SECONDS));
  return {
    apiVersion: "config.kueue.x-k8s.io/v1beta2",
    kind: "Configuration",
    health: { healthProbeBindAddress: ":8081" },
    metrics: { bindAddress: ":8443", enableClusterQueueResources: true },
    webhook: { port: 9443 },
    leaderElection: { leaderElect: true, resourceName: "c1f6bfd2.kueue.x-k8s.io" },
    controller: {
      groupKindConcurrency: {
        "Job.batch": 5,
        Pod: 5,
        "Workload.kueue.x-k8s.io": 10,
        "LocalQueue.kueue.x-k8s.io": 5,
        "ClusterQueue.kueue.x-k8s.io": 5,
        "ResourceFlavor.kueue.x-k8s.io": 1,
      },
    },
    clientConnection: { qps: 300, burst: 500 },
    waitForPodsReady: {
      timeout: `${readySeconds}s`,
      recoveryTimeout: `${readySeconds}s`,
      blockAdmission: false,
      requeuingStrategy: { timestamp: "Eviction", backoffBaseSeconds: 60, backoffMaxSeconds: 3600 },
    },
    // Only what names a queue waits in one; and nothing of the cluster's own is ever looked at, so that it starts while Kueue
    // does not answer.
    manageJobsWithoutQueueName: false,
    managedJobsNamespaceSelector: {
      matchExpressions: [
        {
          key: "kubernetes.io/metadata.name",
          operator: "NotIn",
          values: [...new Set(["kube-system", ...Object.values(CHARTS).map(({ namespace }) => namespace)])].sort(),
        },
      ],
    },
    integrations: {
      frameworks: [
        "batch/job",
        "jobset.x-k8s.io/jobset",
        "pod",
        "deployment",
        "statefulset",
        "leaderworkerset.x-k8s.io/leaderworkerset",
      ],
    },
    fairSharing: { preemptionStrategies: ["LessThanOrEqualToFinalShare", "LessThanInitialShare"] },
  };
}
