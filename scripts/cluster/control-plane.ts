import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PlacementKind } from "../../components/compute/scheduler-profile.ts";
import { stopDaemon } from "../lib/daemon.ts";
import { Failure } from "../lib/failure.ts";
import { identify } from "../lib/identity.ts";
import { toolPath } from "../lib/roots.ts";
import { ADMIN_USER, CONTROL_PLANE_CERTIFICATES, certificateFile, ensureCertificates } from "./certificates.ts";
import type { ControlPlanePorts } from "./constants.ts";
import {
  AUDIT_POLICY,
  AUDIT_POLICY_FILE,
  apiServerFlags,
  type ControlPlaneSettings,
  controllerManagerFlags,
  etcdFlags,
  KUBECONFIG_CONTROLLER_MANAGER,
  KUBECONFIG_SCHEDULER,
  SCHEDULER_CONFIGURATION_FILE,
  schedulerConfiguration,
  schedulerFlags,
} from "./control-plane-flags.ts";
import { type ClientIdentity, isHealthy, readIdentity } from "./http.ts";
import { renderKubeconfig } from "./kubeconfig.ts";
import { type ControlPlaneLayout, controlPlaneLayout } from "./layout.ts";
import { type Part, type PartFolders, pidFileOf, startParts, writeIfChanged } from "./parts.ts";

export interface ControlPlaneOptions {
  /** Where its files go; what is there is gone on with. @default a temporary folder that `stop` removes */
  readonly root?: string;
  /** @default "free": any that nobody listens on */
  readonly ports?: "free" | ControlPlanePorts;
  /** @default true */
  readonly auditLog?: boolean;
  /** Without them Jobs make no pods and deleted namespaces stay. @default true */
  readonly withSchedulerAndControllers?: boolean;
  /** Without them, but with the scheduler, nodes stay as they are said to be. @default as `withSchedulerAndControllers` */
  readonly withControllers?: boolean;
  /** Which of the nodes with room a pod gets. @default "spread" */
  readonly placement?: PlacementKind;
  /** Resources of devices to pack by beyond the common ones. @default none */
  readonly accelerators?: readonly string[];
}

export interface ControlPlane {
  /** URL of the API server. */
  readonly server: string;
  readonly kubeconfigPath: string;
  /** Whom to believe, and the administrator. */
  readonly identity: ClientIdentity;
  /** Where the scheduler, if there is one, counts what it does. */
  readonly schedulerMetricsUrl: string;
  /** One JSON object a line. Written before the answer to a request has been sent. */
  readonly auditLogPath: string;
  /** Ends its processes, and removes its folder unless the caller named it. */
  stop(): Promise<void>;
}

/** The four programs and how to see that each works. Their certificates and kubeconfigs must exist. */
export function controlPlaneParts(
  settings: ControlPlaneSettings,
  withScheduler = true,
  withControllers = withScheduler,
): Part[] {
  const { pki } = settings.layout;
  const { ports } = settings;
  const admin = () => readIdentity(pki, "admin");
  const common = { timeoutSeconds: 60, reads: controlPlaneFiles(settings.layout) };
  // Another placement starts the scheduler anew and nothing else.
  const schedulerFile = path.join(settings.layout.config, SCHEDULER_CONFIGURATION_FILE);
  const controllers: Part[] = [
    {
      ...common,
      name: "kube-controller-manager",
      command: toolPath("kubernetes", "kube-controller-manager"),
      args: controllerManagerFlags(settings),
      after: ["kube-apiserver"],
      probe: () => isHealthy(`https://127.0.0.1:${ports.controllerManager}/healthz`, admin()),
    },
  ];
  const scheduler: Part[] = [
    {
      ...common,
      reads: [...common.reads, schedulerFile],
      name: "kube-scheduler",
      command: toolPath("kubernetes", "kube-scheduler"),
      args: schedulerFlags(settings),
      after: ["kube-apiserver"],
      probe: () => isHealthy(`https://127.0.0.1:${ports.scheduler}/healthz`, admin()),
    },
  ];
  return [
    {
      ...common,
      name: "etcd",
      command: toolPath("etcd"),
      args: etcdFlags(settings),
      after: [],
      probe: () =>
        isHealthy(`https://127.0.0.1:${ports.etcdClient}/health`, readIdentity(pki, "etcd-client", "etcd-ca")),
    },
    {
      ...common,
      name: "kube-apiserver",
      command: toolPath("kubernetes", "kube-apiserver"),
      args: apiServerFlags(settings),
      after: ["etcd"],
      probe: () => isHealthy(`${serverUrl(ports)}/readyz`, admin()),
    },
    ...(withControllers ? controllers : []),
    ...(withScheduler ? scheduler : []),
  ];
}

export const serverUrl = (ports: ControlPlanePorts): string => `https://127.0.0.1:${ports.apiServer}`;

/** What the control plane reads at its start, but for the scheduler's own file. */
const controlPlaneFiles = (layout: ControlPlaneLayout) => [
  ...CONTROL_PLANE_CERTIFICATES.map(({ name }) => certificateFile(layout.pki, name)),
  ...[KUBECONFIG_CONTROLLER_MANAGER, KUBECONFIG_SCHEDULER].map((name) => path.join(layout.kubeconfigs, name)),
  path.join(layout.config, AUDIT_POLICY_FILE),
];

/** Writes the certificates, kubeconfigs and policies the control plane reads, as far as they are not as they should be. */
export async function prepareControlPlane(settings: ControlPlaneSettings): Promise<void> {
  const { layout, ports } = settings;
  await ensureCertificates(layout.pki, CONTROL_PLANE_CERTIFICATES);
  for (const folder of [layout.kubeconfigs, layout.config, layout.logs]) {
    mkdirSync(folder, { recursive: true });
  }
  const server = serverUrl(ports);
  const { pki } = layout;
  const users = [
    { file: layout.kubeconfig, user: ADMIN_USER, certificate: "admin" },
    {
      file: path.join(layout.kubeconfigs, KUBECONFIG_CONTROLLER_MANAGER),
      user: "controller-manager",
      certificate: "controller-manager",
    },
    { file: path.join(layout.kubeconfigs, KUBECONFIG_SCHEDULER), user: "scheduler", certificate: "scheduler" },
  ];
  for (const { file, user, certificate } of users) {
    const context = settings.context === undefined ? {} : { context: settings.context };
    writeIfChanged(file, renderKubeconfig({ server, user, certificate, pki, ...context }));
  }
  writeIfChanged(path.join(layout.config, AUDIT_POLICY_FILE), AUDIT_POLICY);
  writeIfChanged(path.join(layout.config, SCHEDULER_CONFIGURATION_FILE), schedulerConfiguration(settings));
}

/**
 * Starts a control plane without a node: an API server as real as the datacenter's, for tests. It needs no privileges and
 * is ready in a few seconds, and any number run side by side. Its processes end with the thread that started them,
 * however that ends; the folder of a caller that was killed is removed by the next start.
 *
 * @throws Failure where a tool is missing or a part does not become ready, with the end of its log; nothing is left running
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  removeAbandonedFolders();
  const attempts = options.ports === undefined || options.ports === "free" ? 3 : 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Between choosing a free port and listening on it, somebody else may have taken it.
      if (attempt >= attempts || !(error instanceof Failure && /address already in use/.test(error.message))) {
        throw error;
      }
    }
  }
}

async function startOnce(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { auditLog = true, placement = "spread", accelerators = [] } = options;
  const { withSchedulerAndControllers = true, withControllers = withSchedulerAndControllers } = options;
  const root = options.root ?? mkdtempSync(`${folderPrefix()}${process.pid}-`);
  const layout = controlPlaneLayout(root);
  const ports = options.ports === undefined || options.ports === "free" ? await freePorts() : options.ports;
  const folders: PartFolders = { pids: path.join(root, "pids"), logs: layout.logs };
  const settings: ControlPlaneSettings = {
    layout,
    ports,
    node: false,
    auditLog,
    durable: false,
    placement,
    accelerators,
  };
  const parts: Part[] = [];
  const stop = async () => {
    // From the last to the first, so that nobody logs the loss of what it depends on.
    for (const { name } of [...parts].reverse()) {
      await stopDaemon(pidFileOf(folders, name), name === "etcd" ? {} : { signal: "SIGKILL" });
    }
    if (options.root === undefined) {
      rmSync(root, { recursive: true, force: true });
    }
  };
  try {
    await prepareControlPlane(settings);
    parts.push(...controlPlaneParts(settings, withSchedulerAndControllers, withControllers).map(endingWithParent));
    await startParts(parts, folders);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    server: serverUrl(ports),
    kubeconfigPath: layout.kubeconfig,
    identity: readIdentity(layout.pki, "admin"),
    schedulerMetricsUrl: `https://127.0.0.1:${ports.scheduler}/metrics`,
    auditLogPath: layout.auditLog,
    stop,
  };
}

const SETPRIV = "/usr/bin/setpriv";

/** Lets the kernel end a part when the thread that started it ends, be it by SIGKILL. */
function endingWithParent(part: Part): Part {
  // Where there is no setpriv (macOS), a killed test leaves its control plane running.
  return existsSync(SETPRIV)
    ? { ...part, command: SETPRIV, args: ["--pdeathsig", "KILL", "--", part.command, ...part.args] }
    : part;
}

function folderPrefix(): string {
  return path.join(tmpdir(), "millwright-control-plane-");
}

/** Folders of processes that were killed before they could remove them. */
function removeAbandonedFolders(): void {
  const prefix = path.basename(folderPrefix());
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(prefix) ? /^\d+(?=-)/.exec(name.slice(prefix.length))?.[0] : undefined;
    if (pid !== undefined && identify(Number(pid)) === undefined) {
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

/** Ports of the loopback address that nobody listened on a moment ago, all different. */
export async function freePorts(): Promise<ControlPlanePorts> {
  const servers = await Promise.all(
    Array.from(
      { length: 5 },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") {
      throw new Error("A listening TCP server has no port");
    }
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [apiServer, etcdClient, etcdPeer, controllerManager, scheduler] = ports as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { apiServer, etcdClient, etcdPeer, controllerManager, scheduler };
}
