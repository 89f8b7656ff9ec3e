import { KUBELET_CLIENT_USER } from "./certificates.ts";
import { DNS_SERVICE_ADDRESS, NODE_ADDRESS, NODE_PORTS } from "./constants.ts";
import { ask, type ClientIdentity } from "./http.ts";

/** An object the local datacenter itself needs, with the path it lives at. */
export interface SystemObject {
  readonly path: string;
  readonly object: Readonly<Record<string, unknown>>;
}

const labels = { "app.kubernetes.io/managed-by": "millwright-local", "app.kubernetes.io/part-of": "millwright" };
const RBAC = "rbac.authorization.k8s.io";

function binding(name: string, role: string, user: string): SystemObject {
  return {
    path: `/apis/${RBAC}/v1/clusterrolebindings/${name}`,
    object: {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: role },
      subjects: [{ apiGroup: RBAC, kind: "User", name: user }],
    },
  };
}

const dnsPorts = (target: Record<string, unknown>) =>
  ["UDP", "TCP"].map((protocol) => ({ name: `dns-${protocol.toLowerCase()}`, port: 53, protocol, ...target }));

/** In the order in which they are applied. */
export const SYSTEM_OBJECTS: readonly SystemObject[] = [
  // Without it `kubectl logs` and `kubectl exec` are refused by the kubelet.
  binding("millwright:kubelet-client", "system:kubelet-api-admin", KUBELET_CLIENT_USER),
  {
    path: `/apis/${RBAC}/v1/clusterroles/system:coredns`,
    object: {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: "system:coredns", labels },
      rules: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ],
    },
  },
  binding("system:coredns", "system:coredns", "system:coredns"),
  {
    path: "/api/v1/namespaces/kube-system/services/kube-dns",
    object: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kube-dns", namespace: "kube-system", labels: { ...labels, "k8s-app": "kube-dns" } },
      // No selector: CoreDNS is a process of the node, so that names resolve before any pod runs.
      spec: { clusterIP: DNS_SERVICE_ADDRESS, ports: dnsPorts({ targetPort: NODE_PORTS.dns }) },
    },
  },
  {
    path: "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns-node",
    object: {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "kube-dns-node",
        namespace: "kube-system",
        labels: {
          ...labels,
          "kubernetes.io/service-name": "kube-dns",
          "endpointslice.kubernetes.io/managed-by": "millwright-local",
        },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [NODE_ADDRESS], conditions: { ready: true } }],
      ports: dnsPorts({ port: NODE_PORTS.dns }),
    },
  },
];

const FIELD_MANAGER = "millwright-local";

/** Applies them by server-side apply; where they are as they should be, nothing changes. */
export async function applySystemObjects(server: string, identity: ClientIdentity): Promise<void> {
  for (const { path, object } of SYSTEM_OBJECTS) {
    const { status, body } = await ask(`${server}${path}?fieldManager=${FIELD_MANAGER}&force=true`, {
      identity,
      method: "PATCH",
      contentType: "application/apply-patch+yaml",
      body: JSON.stringify(object),
    });
    if (status !== 200 && status !== 201) {
      throw new Error(`The API server refused ${path} with ${status}: ${body}`);
    }
  }
}
