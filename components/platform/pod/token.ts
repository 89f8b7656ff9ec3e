/** Where clients of the API expect the token. */
export const TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * What automounting would give every container of a pod: a token the kubelet renews, the cluster's authority, the
 * namespace. Mounted by hand, in the container that needs it alone.
 */
export const TOKEN_SOURCES = [
  { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
  { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
  {
    downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] },
  },
];
