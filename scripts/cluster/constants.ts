/** The names, addresses and ports of the local datacenter. One machine runs one, so none of them is a choice. */

export const NODE_NAME = "millwright";
export const CLUSTER_NAME = "millwright";
export const CLUSTER_DOMAIN = "cluster.local";

/** The node's own network: a bridge whose address stays the same whatever networks the machine joins. */
export const BRIDGE = "millwright0";
export const NODE_ADDRESS = "10.244.0.1";
export const NODE_PREFIX_LENGTH = 24;
/** A fixed address, since a bridge else takes that of its lowest port and pods' neighbour caches go stale. */
export const BRIDGE_MAC = "0a:58:0a:f4:00:01";
export const POD_CIDR = "10.244.0.0/16";
export const NODE_POD_CIDR = "10.244.0.0/24";

export const SERVICE_CIDR = "10.96.0.0/16";
export const KUBERNETES_SERVICE_ADDRESS = "10.96.0.1";
export const DNS_SERVICE_ADDRESS = "10.96.0.10";

export const SERVICE_ACCOUNT_ISSUER = `https://kubernetes.default.svc.${CLUSTER_DOMAIN}`;

/** Owner group of the artifact folder: the group the workloads' containers run as. */
export const WORKLOAD_GROUP = 10001;

export interface ControlPlanePorts {
  readonly apiServer: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

export const CONTROL_PLANE_PORTS: ControlPlanePorts = {
  apiServer: 6443,
  etcdClient: 2379,
  etcdPeer: 2380,
  controllerManager: 10257,
  scheduler: 10259,
};

export const NODE_PORTS = {
  kubelet: 10250,
  kubeletHealth: 10248,
  proxyMetrics: 10249,
  proxyHealth: 10256,
  dns: 53,
  dnsHealth: 10253,
} as const;
