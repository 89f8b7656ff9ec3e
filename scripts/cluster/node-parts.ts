import { mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import path from "node:path";
import { toolPath } from "../lib/roots.ts";
import { ensureCertificates, NODE_CERTIFICATES } from "./certificates.ts";
import { CONTROL_PLANE_PORTS, NODE_PORTS } from "./constants.ts";
import { serverUrl } from "./control-plane.ts";
import { isHealthy } from "./http.ts";
import { renderKubeconfig } from "./kubeconfig.ts";
import type { ClusterLayout } from "./layout.ts";
import {
  cniConfig,
  containerdConfig,
  corefile,
  kubeletConfig,
  kubeletFlags,
  kubeProxyFlags,
  type NodeFacts,
} from "./node-config.ts";
import { type Part, writeIfChanged } from "./parts.ts";

interface NodeFiles {
  readonly containerd: string;
  readonly kubelet: string;
  readonly corefile: string;
  readonly kubeconfigOf: (user: string) => string;
}

function nodeFiles(layout: ClusterLayout): NodeFiles {
  return {
    containerd: path.join(layout.config, "containerd.toml"),
    kubelet: path.join(layout.config, "kubelet.yaml"),
    corefile: path.join(layout.config, "Corefile"),
    kubeconfigOf: (user) => path.join(layout.kubeconfigs, `${user}.kubeconfig`),
  };
}

/** Which of the node's programs read a configuration that changed. */
export type ConfigurationChanges = Readonly<Record<"containerd" | "kubelet" | "kube-proxy" | "coredns", boolean>>;

/** Writes what the node's programs read: certificates, kubeconfigs and configuration files. */
export async function prepareNode(
  layout: ClusterLayout,
  facts: NodeFacts & { readonly upstreams: readonly string[] },
): Promise<ConfigurationChanges> {
  const certificates = await ensureCertificates(layout.pki, NODE_CERTIFICATES);
  for (const folder of [layout.podLogs, layout.volumePlugins, layout.containerdRoot, layout.containerdState]) {
    mkdirSync(folder, { recursive: true });
  }
  const files = nodeFiles(layout);
  const { pki } = layout;
  const server = serverUrl(CONTROL_PLANE_PORTS);
  const kubeconfig = (user: string, certificate: string = user) =>
    writeIfChanged(files.kubeconfigOf(user), renderKubeconfig({ server, user, certificate, pki }));
  const kubeletUser = kubeconfig("kubelet", "kubelet-client");
  const kubeletFile = writeIfChanged(files.kubelet, kubeletConfig(layout, facts));
  const corednsUser = kubeconfig("coredns");
  const corednsFile = writeIfChanged(files.corefile, corefile(files.kubeconfigOf("coredns"), facts.upstreams));
  writeIfChanged(path.join(layout.cniConfig, "10-millwright.conflist"), cniConfig(layout, facts));
  return {
    containerd: writeIfChanged(files.containerd, containerdConfig(layout, facts)),
    kubelet: kubeletUser || kubeletFile || certificates.some((name) => name.startsWith("kubelet")),
    "kube-proxy": kubeconfig("kube-proxy"),
    coredns: corednsUser || corednsFile,
  };
}

/** The node's programs. `beforeKubelet` is what the first pod needs and containerd must be there for. */
export function nodeParts(
  layout: ClusterLayout,
  facts: NodeFacts,
  changes: ConfigurationChanges,
  beforeKubelet: () => Promise<void>,
): Part[] {
  const files = nodeFiles(layout);
  const common = { timeoutSeconds: 60 };
  return [
    {
      ...common,
      name: "containerd",
      command: "containerd",
      args: ["--config", files.containerd],
      after: [],
      configurationChanged: changes.containerd,
      probe: () => connects(layout.containerdSocket),
    },
    {
      ...common,
      name: "coredns",
      command: toolPath("coredns"),
      args: ["-conf", files.corefile],
      after: ["kube-apiserver"],
      configurationChanged: changes.coredns,
      probe: () => isHealthy(`http://127.0.0.1:${NODE_PORTS.dnsHealth}/health`),
    },
    {
      ...common,
      name: "kube-proxy",
      command: toolPath("kubernetes", "kube-proxy"),
      args: kubeProxyFlags(files.kubeconfigOf("kube-proxy"), facts),
      after: ["kube-apiserver"],
      configurationChanged: changes["kube-proxy"],
      probe: () => isHealthy(`http://127.0.0.1:${NODE_PORTS.proxyHealth}/livez`),
    },
    {
      ...common,
      name: "kubelet",
      command: toolPath("kubernetes", "kubelet"),
      args: kubeletFlags(layout, files.kubeconfigOf("kubelet"), files.kubelet),
      after: ["kube-apiserver", "containerd"],
      prepare: beforeKubelet,
      configurationChanged: changes.kubelet,
      probe: () => isHealthy(`http://127.0.0.1:${NODE_PORTS.kubeletHealth}/healthz`),
    },
  ];
}

/** Whether somebody accepts connections on a unix socket. */
function connects(socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    connection.once("error", reject);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
  });
}
