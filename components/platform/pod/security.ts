/** User and group of every process of a workload image; the images in workloads/ make this user. */
export const WORKLOAD_UID = 10001;

/**
 * What the restricted pod security standard asks of a pod. `fsGroup` lets the processes write the artifact store;
 * `OnRootMismatch` keeps the kubelet from walking all artifacts at every start of a pod.
 */
export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: WORKLOAD_UID,
  runAsGroup: WORKLOAD_UID,
  fsGroup: WORKLOAD_UID,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
};

/** What it asks of a container; the read-only root file system is ours. */
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** Mode of a mounted secret's file: root's, and readable for the group, which `fsGroup` makes the process's own. */
export const SECRET_FILE_MODE = 0o440;

/** Labels of a namespace that refuses pods which do not meet the restricted standard, and warns whoever submits one. */
export const RESTRICTED_NAMESPACE = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/warn": "restricted",
};
