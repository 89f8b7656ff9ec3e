import { certificateFile, keyFile } from "./certificates.ts";
import {
  BRIDGE,
  CLUSTER_DOMAIN,
  CLUSTER_NAME,
  DNS_SERVICE_ADDRESS,
  NODE_ADDRESS,
  NODE_NAME,
  NODE_POD_CIDR,
  NODE_PORTS,
  POD_CIDR,
} from "./constants.ts";
import { renderFlags } from "./control-plane-flags.ts";
import type { ClusterLayout } from "./layout.ts";

/** What the node's programs depend on beyond the layout. */
export interface NodeFacts {
  /** Image of the container that holds a pod's namespaces. */
  readonly pauseImage: string;
  /** The file pods that ask for the node's resolver are given. */
  readonly resolvConf: string;
  /** Whether the node may lower its processes' OOM score (CAP_SYS_RESOURCE). */
  readonly maySetOomScore: boolean;
  /** Largest packet the machine's own network carries, in bytes. */
  readonly mtu: number;
}

/** The network name CNI's iptables rules are commented with, by which `down` finds them. */
export const CNI_NETWORK = "millwright";

/** Where Debian's package containernetworking-plugins puts them. */
export const CNI_PLUGIN_FOLDER = "/usr/lib/cni";

const quoted = (text: string) => JSON.stringify(text);

/** containerd 1.6's configuration (version 2). */
export function containerdConfig(layout: ClusterLayout, { pauseImage }: NodeFacts): string {
  return `version = 2
root = ${quoted(layout.containerdRoot)}
state = ${quoted(layout.containerdState)}
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = ${quoted(layout.containerdSocket)}

[plugins."io.containerd.internal.v1.opt"]
  path = ${quoted(`${layout.containerdRoot}/opt`)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${quoted(pauseImage)}
  # Without CAP_SYS_RESOURCE a score below containerd's own is refused, and every sandbox with it.
  restrict_oom_score_adj = true
  # Network namespaces are then under the state root, where "down" unmounts them.
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${quoted(CNI_PLUGIN_FOLDER)}
    conf_dir = ${quoted(layout.cniConfig)}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = ${quoted(layout.runcState)}
        SystemdCgroup = false
`;
}

export function cniConfig(layout: ClusterLayout, { mtu }: NodeFacts): string {
  return json({
    cniVersion: "0.4.0",
    name: CNI_NETWORK,
    plugins: [
      {
        type: "bridge",
        bridge: BRIDGE,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        mtu,
        ipam: {
          type: "host-local",
          dataDir: layout.cniAddresses,
          ranges: [[{ subnet: NODE_POD_CIDR, gateway: NODE_ADDRESS }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
}

export function kubeletConfig(layout: ClusterLayout, { resolvConf, maySetOomScore }: NodeFacts): string {
  return json({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: "0.0.0.0",
    port: NODE_PORTS.kubelet,
    healthzBindAddress: "127.0.0.1",
    healthzPort: NODE_PORTS.kubeletHealth,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificateFile(layout.pki, "ca") },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: certificateFile(layout.pki, "kubelet-server"),
    tlsPrivateKeyFile: keyFile(layout.pki, "kubelet-server"),
    containerRuntimeEndpoint: `unix://${layout.containerdSocket}`,
    clusterDNS: [DNS_SERVICE_ADDRESS],
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf,
    podLogsDir: layout.podLogs,
    volumePluginDir: layout.volumePlugins,
    hairpinMode: "hairpin-veth",
    cgroupDriver: "cgroupfs",
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    // The kubelet's own default is below 0, which needs CAP_SYS_RESOURCE.
    oomScoreAdj: maySetOomScore ? -999 : 0,
    // The disk is the user's, and often nearly full: only a disk with next to nothing left stops pods.
    evictionHard: {
      "memory.available": "100Mi",
      "nodefs.available": "2%",
      "nodefs.inodesFree": "1%",
      "imagefs.available": "2%",
    },
    imageGCHighThresholdPercent: 97,
    imageGCLowThresholdPercent: 95,
    serializeImagePulls: false,
    maxParallelImagePulls: 2,
    // Pods change state at once rather than at the next minute's look.
    syncFrequency: "20s",
    shutdownGracePeriod: "0s",
  });
}

export function kubeletFlags(layout: ClusterLayout, kubeconfig: string, config: string): string[] {
  return renderFlags({
    config,
    kubeconfig,
    "root-dir": layout.kubeletRoot,
    "cert-dir": `${layout.kubeletRoot}/pki`,
    "hostname-override": NODE_NAME,
    "node-ip": NODE_ADDRESS,
  });
}

export function kubeProxyFlags(kubeconfig: string, { maySetOomScore }: Pick<NodeFacts, "maySetOomScore">): string[] {
  return renderFlags({
    kubeconfig,
    "hostname-override": NODE_NAME,
    "proxy-mode": "iptables",
    "cluster-cidr": POD_CIDR,
    // 0 leaves the machine's own limits and timeouts as they are.
    "conntrack-max-per-core": 0,
    "conntrack-min": 0,
    "conntrack-tcp-timeout-established": "0s",
    "conntrack-tcp-timeout-close-wait": "0s",
    // The alternative opens route_localnet, and with it the machine's loopback services, to its neighbours.
    "iptables-localhost-nodeports": false,
    "metrics-bind-address": `127.0.0.1:${NODE_PORTS.proxyMetrics}`,
    "healthz-bind-address": `127.0.0.1:${NODE_PORTS.proxyHealth}`,
    ...(maySetOomScore ? {} : { "oom-score-adj": 0 }),
  });
}

/** Nameservers of a resolv.conf. */
export function nameservers(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!);
}

/**
 * CoreDNS's configuration: the cluster's names from the API server, every other as the machine resolves it. Negative
 * answers are kept for two seconds only, since workers ask for each other before all of them exist.
 */
export function corefile(kubeconfig: string, upstreams: readonly string[]): string {
  // CoreDNS refuses a forward without servers, which is what an air-gapped machine may have.
  const forward = upstreams.length === 0 ? [] : [`    forward . ${upstreams.slice(0, 3).join(" ")}`];
  return [
    `.:${NODE_PORTS.dns} {`,
    `    bind ${NODE_ADDRESS}`,
    "    errors",
    `    health 127.0.0.1:${NODE_PORTS.dnsHealth}`,
    `    kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {`,
    `        kubeconfig ${kubeconfig} ${CLUSTER_NAME}`,
    "        pods insecure",
    "        ttl 5",
    "        fallthrough in-addr.arpa ip6.arpa",
    "    }",
    "    cache 30 {",
    "        denial 9984 2",
    "    }",
    ...forward,
    "}",
    "",
  ].join("\n");
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
