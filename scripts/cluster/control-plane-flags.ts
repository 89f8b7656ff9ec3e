import path from "node:path";
import { kubeSchedulerConfiguration, type PlacementKind } from "../../components/compute/scheduler-profile.ts";
import { certificateFile, keyFile, SERVICE_ACCOUNT_KEY } from "./certificates.ts";
import {
  CLUSTER_NAME,
  type ControlPlanePorts,
  NODE_ADDRESS,
  POD_CIDR,
  SERVICE_ACCOUNT_ISSUER,
  SERVICE_CIDR,
} from "./constants.ts";
import type { ControlPlaneLayout } from "./layout.ts";

/** What the flags of the control plane's four programs depend on. */
export interface ControlPlaneSettings {
  readonly layout: ControlPlaneLayout;
  readonly ports: ControlPlanePorts;
  /** A node joins: the API server listens where pods reach it, and nodes get pod networks. */
  readonly node: boolean;
  readonly auditLog: boolean;
  /** Whether the state outlives a crash of the machine. Tests gain seconds by `false`. */
  readonly durable: boolean;
  /** Which of the nodes with room a pod gets. */
  readonly placement: PlacementKind;
  /** Resources of devices to pack by beyond the common ones, such as MIG profiles. @default none */
  readonly accelerators?: readonly string[];
  /** Seconds a node may be silent before it counts as lost. @default the controllers' own 50 */
  readonly nodeSilenceSeconds?: number;
  /** Jobs whose pods are seen to at once. @default the controllers' own 5 */
  readonly jobSyncs?: number;
  /** Name of the context in the administrator's kubeconfig. @default "millwright" */
  readonly context?: string;
}

export const AUDIT_POLICY_FILE = "audit-policy.yaml";
export const KUBECONFIG_CONTROLLER_MANAGER = "controller-manager.kubeconfig";
export const KUBECONFIG_SCHEDULER = "scheduler.kubeconfig";
export const SCHEDULER_CONFIGURATION_FILE = "scheduler.json";

type Flags = Readonly<Record<string, string | number | boolean>>;

export function renderFlags(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

export function etcdFlags({ layout: { pki, etcdData }, ports, durable }: ControlPlaneSettings): string[] {
  const clientUrl = `https://127.0.0.1:${ports.etcdClient}`;
  const peerUrl = `https://127.0.0.1:${ports.etcdPeer}`;
  const [certificate, key] = [certificateFile(pki, "etcd"), keyFile(pki, "etcd")];
  const authority = certificateFile(pki, "etcd-ca");
  return renderFlags({
    name: CLUSTER_NAME,
    "data-dir": etcdData,
    "listen-client-urls": clientUrl,
    "advertise-client-urls": clientUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `${CLUSTER_NAME}=${peerUrl}`,
    "cert-file": certificate,
    "key-file": key,
    "client-cert-auth": true,
    "trusted-ca-file": authority,
    "peer-cert-file": certificate,
    "peer-key-file": key,
    "peer-client-cert-auth": true,
    "peer-trusted-ca-file": authority,
    "log-level": "warn",
    ...(durable ? {} : { "unsafe-no-fsync": true }),
  });
}

export function apiServerFlags({ layout, ports, node, auditLog }: ControlPlaneSettings): string[] {
  const { pki } = layout;
  return renderFlags({
    "etcd-servers": `https://127.0.0.1:${ports.etcdClient}`,
    "etcd-cafile": certificateFile(pki, "etcd-ca"),
    "etcd-certfile": certificateFile(pki, "etcd-client"),
    "etcd-keyfile": keyFile(pki, "etcd-client"),
    "bind-address": node ? "0.0.0.0" : "127.0.0.1",
    "secure-port": ports.apiServer,
    // A loopback address is no valid endpoint of the Service "kubernetes", and without a node nobody asks for it.
    ...(node ? { "advertise-address": NODE_ADDRESS } : { "endpoint-reconciler-type": "none" }),
    "service-cluster-ip-range": SERVICE_CIDR,
    "tls-cert-file": certificateFile(pki, "api-server"),
    "tls-private-key-file": keyFile(pki, "api-server"),
    "client-ca-file": certificateFile(pki, "ca"),
    "anonymous-auth": false,
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "allow-privileged": true,
    profiling: false,
    "service-account-issuer": SERVICE_ACCOUNT_ISSUER,
    "service-account-key-file": path.join(pki, `${SERVICE_ACCOUNT_KEY}.pub`),
    "service-account-signing-key-file": keyFile(pki, SERVICE_ACCOUNT_KEY),
    "kubelet-certificate-authority": certificateFile(pki, "ca"),
    "kubelet-client-certificate": certificateFile(pki, "api-server-kubelet-client"),
    "kubelet-client-key": keyFile(pki, "api-server-kubelet-client"),
    "kubelet-preferred-address-types": "InternalIP",
    "requestheader-client-ca-file": certificateFile(pki, "front-proxy-ca"),
    "requestheader-allowed-names": "front-proxy-client",
    "requestheader-username-headers": "X-Remote-User",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "proxy-client-cert-file": certificateFile(pki, "front-proxy-client"),
    "proxy-client-key-file": keyFile(pki, "front-proxy-client"),
    ...(auditLog
      ? {
          "audit-policy-file": path.join(layout.config, AUDIT_POLICY_FILE),
          "audit-log-path": layout.auditLog,
          "audit-log-maxsize": 100,
          "audit-log-maxbackup": 4,
        }
      : {}),
  });
}

export function controllerManagerFlags(settings: ControlPlaneSettings): string[] {
  const { layout, ports, node, nodeSilenceSeconds, jobSyncs } = settings;
  const { pki } = layout;
  const kubeconfig = path.join(layout.kubeconfigs, KUBECONFIG_CONTROLLER_MANAGER);
  return renderFlags({
    kubeconfig,
    "authentication-kubeconfig": kubeconfig,
    "authorization-kubeconfig": kubeconfig,
    "bind-address": "127.0.0.1",
    "secure-port": ports.controllerManager,
    "tls-cert-file": certificateFile(pki, "control-plane-server"),
    "tls-private-key-file": keyFile(pki, "control-plane-server"),
    "leader-elect": false,
    profiling: false,
    "use-service-account-credentials": true,
    "service-account-private-key-file": keyFile(pki, SERVICE_ACCOUNT_KEY),
    "root-ca-file": certificateFile(pki, "ca"),
    "cluster-name": CLUSTER_NAME,
    // The defaults of 20 and 30 place 19 pods a second.
    "kube-api-qps": 500,
    "kube-api-burst": 1000,
    ...(nodeSilenceSeconds === undefined ? {} : { "node-monitor-grace-period": `${nodeSilenceSeconds}s` }),
    ...(jobSyncs === undefined ? {} : { "concurrent-job-syncs": jobSyncs }),
    ...(node ? { "allocate-node-cidrs": true, "cluster-cidr": POD_CIDR, "node-cidr-mask-size": 24 } : {}),
  });
}

/** What `--config` does not say; of the flags it does, the scheduler would ignore most. */
export function schedulerFlags({ layout, ports }: ControlPlaneSettings): string[] {
  const { pki } = layout;
  const kubeconfig = path.join(layout.kubeconfigs, KUBECONFIG_SCHEDULER);
  return renderFlags({
    config: path.join(layout.config, SCHEDULER_CONFIGURATION_FILE),
    "authentication-kubeconfig": kubeconfig,
    "authorization-kubeconfig": kubeconfig,
    "bind-address": "127.0.0.1",
    "secure-port": ports.scheduler,
    "tls-cert-file": certificateFile(pki, "control-plane-server"),
    "tls-private-key-file": keyFile(pki, "control-plane-server"),
  });
}

/** The scheduler's file: how it places pods, and how it reaches the API server. */
export function schedulerConfiguration({ layout, placement, accelerators = [] }: ControlPlaneSettings): string {
  const kubeconfig = path.join(layout.kubeconfigs, KUBECONFIG_SCHEDULER);
  return `${JSON.stringify(kubeSchedulerConfiguration(placement, { kubeconfig, accelerators }), undefined, 2)}\n`;
}

/** Who did what to which object, without bodies: secrets stay out of the log. Health checks are left out as noise. */
export const AUDIT_POLICY = `${JSON.stringify(
  {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [{ level: "None", nonResourceURLs: ["/livez*", "/readyz*", "/healthz*"] }, { level: "Metadata" }],
  },
  undefined,
  2,
)}\n`;
