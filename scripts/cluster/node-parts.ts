import { mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import path from "node:path";
import { toolPath } from "../lib/roots.ts";
import { certificateFile, ensureCertificates, NODE_CERTIFICATES } from "./certificates.ts";
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

/** Writes what the node's programs read, as far as it is not as it should be. */
export async function prepareNode(
  layout: ClusterLayout,
  facts: NodeFacts & { readonly upstreams: readonly string[] },
): Promise<void> {
  await ensureCertificates(layout.pki, NODE_CERTIFICATES);
  for (const folder of [layout.podLogs, layout.volumePlugins, layout.containerdRoot, layout.containerdState]) {
    mkdirSync(folder, { recursive: true });
  }
  const files = nodeFiles(layout);
  const { pki } = layout;
  const server = serverUrl(CONTROL_PLANE_PORTS);
  const users = [
    { user: "kubelet", certificate: "kubelet-client" },
    { user: "kube-proxy", certificate: "kube-proxy" },
    { user: "coredns", certificate: "coredns" },
  ];
  for (const { user, certificate } of users) {
    writeIfChanged(files.kubeconfigOf(user), renderKubeconfig({ server, user, certificate, pki }));
  }
  writeIfChanged(files.kubelet, kubeletConfig(layout, facts));
  writeIfChanged(files.containerd, containerdConfig(layout, facts));
  writeIfChanged(files.corefile, corefile(files.kubeconfigOf("coredns"), facts.upstreams));
  // containerd watches this folder.
  writeIfChanged(path.join(layout.cniConfig, "10-millwright.conflist"), cniConfig(layout, facts));
}

export interface NodePreparations {
  /** What the first pod needs and containerd must be there for. */
  readonly kubelet: () => Promise<void>;
  /** What CoreDNS needs and the API server must be there for. */
  readonly coredns: () => Promise<void>;
}

/** The node's programs. */
export function nodeParts(layout: ClusterLayout, facts: NodeFacts, before: NodePreparations): Part[] {
  const files = nodeFiles(layout);
  const common = { timeoutSeconds: 60 };
  return [
    {
      ...common,
      name: "containerd",
      command: "containerd",
      args: ["--config", files.containerd],
      after: [],
      reads: [files.containerd],
      probe: () => connects(layout.containerdSocket),
    },
    {
      ...common,
      name: "coredns",
      command: toolPath("coredns"),
      args: ["-conf", files.corefile],
      after: ["kube-apiserver"],
      prepare: before.coredns,
      reads: [files.corefile, files.kubeconfigOf("coredns")],
      probe: () => isHealthy(`http://127.0.0.1:${NODE_PORTS.dnsHealth}/health`),
    },
    {
      ...common,
      name: "kube-proxy",
      command: toolPath("kubernetes", "kube-proxy"),
      args: kubeProxyFlags(files.kubeconfigOf("kube-proxy"), facts),
      after: ["kube-apiserver"],
      reads: [files.kubeconfigOf("kube-proxy")],
      probe: () => isHealthy(`http://127.0.0.1:${NODE_PORTS.proxyHealth}/livez`),
    },
    {
      ...common,
      name: "kubelet",
      command: toolPath("kubernetes", "kubelet"),
      args: kubeletFlags(layout, files.kubeconfigOf("kubelet"), files.kubelet),
      after: ["kube-apiserver", "containerd"],
      prepare: before.kubelet,
      reads: [files.kubelet, files.kubeconfigOf("kubelet"), certificateFile(layout.pki, "kubelet-server")],
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
