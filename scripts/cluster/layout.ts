import path from "node:path";

/** Where the files of one control plane lie. */
export interface ControlPlaneLayout {
  readonly root: string;
  readonly pki: string;
  readonly kubeconfigs: string;
  readonly config: string;
  readonly etcdData: string;
  readonly logs: string;
  readonly auditLog: string;
  /** The administrator's kubeconfig. */
  readonly kubeconfig: string;
}

/** Where the files of the whole local datacenter lie. */
export interface ClusterLayout extends ControlPlaneLayout {
  /** What a restart of the machine makes meaningless: sockets, process ids, containerd's and runc's running state. */
  readonly run: string;
  readonly bootId: string;
  readonly pids: string;
  readonly containerdRoot: string;
  readonly containerdState: string;
  readonly containerdSocket: string;
  readonly runcState: string;
  readonly cniConfig: string;
  readonly cniAddresses: string;
  readonly kubeletRoot: string;
  readonly podLogs: string;
  readonly volumePlugins: string;
  readonly registryRoot: string;
  readonly dockerRoot: string;
  readonly artifacts: string;
}

export function controlPlaneLayout(root: string): ControlPlaneLayout {
  const logs = path.join(root, "logs");
  return {
    root,
    pki: path.join(root, "pki"),
    kubeconfigs: path.join(root, "kubeconfigs"),
    config: path.join(root, "config"),
    etcdData: path.join(root, "etcd"),
    logs,
    auditLog: path.join(logs, "audit.log"),
    kubeconfig: path.join(root, "kubeconfig"),
  };
}

export function clusterLayout(root: string): ClusterLayout {
  const base = controlPlaneLayout(root);
  const run = path.join(root, "run");
  return {
    ...base,
    run,
    bootId: path.join(run, "boot-id"),
    pids: path.join(run, "pids"),
    containerdRoot: path.join(root, "containerd"),
    containerdState: path.join(run, "containerd"),
    containerdSocket: path.join(run, "containerd", "containerd.sock"),
    runcState: path.join(run, "runc"),
    cniConfig: path.join(base.config, "cni"),
    cniAddresses: path.join(run, "cni-addresses"),
    kubeletRoot: path.join(root, "kubelet"),
    podLogs: path.join(base.logs, "pods"),
    volumePlugins: path.join(root, "kubelet", "volume-plugins"),
    registryRoot: path.join(root, "registry"),
    dockerRoot: path.join(root, "docker"),
    artifacts: path.join(root, "artifacts"),
  };
}
