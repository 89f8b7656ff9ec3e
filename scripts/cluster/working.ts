import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { daemonAt } from "../lib/daemon.ts";
import { Failure } from "../lib/failure.ts";
import { tailOf } from "../lib/log.ts";
import {
  CLUSTER_DOMAIN,
  CONTROL_PLANE_PORTS,
  DNS_SERVICE_ADDRESS,
  KUBERNETES_SERVICE_ADDRESS,
  NODE_NAME,
  NODE_PORTS,
} from "./constants.ts";
import { containerd, runningContainers } from "./containerd.ts";
import { serverUrl } from "./control-plane.ts";
import { ask, type ClientIdentity, isHealthy, readIdentity } from "./http.ts";
import type { ClusterLayout } from "./layout.ts";
import { type NodeObject, nodeReadiness, type PodList, podsNotTakenUp } from "./node-status.ts";
import { logFileOf, pidFileOf } from "./parts.ts";

const WORKING_SECONDS = 60;

/** A check of the whole, with what is wrong while it is not yet right. */
interface Check {
  readonly what: string;
  /** The part whose log tells more. */
  readonly part: string;
  /** Resolves to what is wrong, or undefined. */
  readonly wrong: () => Promise<string | undefined>;
}

/**
 * Waits until the datacenter does as a whole what its parts are for: the node is ready, service addresses and names work
 * from this machine, and what the API server says of pods is true.
 *
 * @param nodeSince epoch milliseconds at which the node's programs were started by this call; undefined where they were not
 * @throws Failure that names what does not work and the end of the log that tells more
 */
export async function awaitWorking(layout: ClusterLayout, nodeSince: number | undefined): Promise<void> {
  const deadline = Date.now() + WORKING_SECONDS * 1000;
  const all = [...checks(layout, nodeSince ?? 0), ...(nodeSince === undefined ? [] : [podsAreTakenUp(layout)])];
  await Promise.all(all.map((check) => awaitCheck(check, layout, deadline)));
}

function checks(layout: ClusterLayout, since: number): Check[] {
  const admin = readIdentity(layout.pki, "admin");
  return [
    {
      what: `node ${NODE_NAME} is not ready`,
      part: "kubelet",
      wrong: async () => {
        const node = await getJson<NodeObject>(`${serverUrl(CONTROL_PLANE_PORTS)}/api/v1/nodes/${NODE_NAME}`, admin);
        const readiness = nodeReadiness(node, since);
        return readiness.ready ? undefined : readiness.reason;
      },
    },
    {
      what: `the service address of the API server, ${KUBERNETES_SERVICE_ADDRESS}, does not answer`,
      part: "kube-proxy",
      wrong: async () => {
        await isHealthy(`https://${KUBERNETES_SERVICE_ADDRESS}/readyz`, admin);
        return undefined;
      },
    },
    {
      what: `the cluster's name server, ${DNS_SERVICE_ADDRESS}, does not know the API server`,
      part: "coredns",
      wrong: async () => {
        const resolver = new Resolver({ timeout: 1000, tries: 1 });
        resolver.setServers([DNS_SERVICE_ADDRESS]);
        const addresses = await resolver.resolve4(`kubernetes.default.svc.${CLUSTER_DOMAIN}`);
        return addresses.includes(KUBERNETES_SERVICE_ADDRESS) ? undefined : `it answers ${addresses.join(", ")}`;
      },
    },
  ];
}

/**
 * A kubelet that was just started has not looked at its pods yet: the API server still says what was true before, and
 * `kubectl exec` is refused. Waiting for it keeps the next reader from believing in pods that are gone.
 */
function podsAreTakenUp(layout: ClusterLayout): Check {
  const selector = encodeURIComponent(`spec.nodeName=${NODE_NAME}`);
  const told = `${serverUrl(CONTROL_PLANE_PORTS)}/api/v1/pods?fieldSelector=${selector}`;
  const admin = readIdentity(layout.pki, "admin");
  const kubeletClient = readIdentity(layout.pki, "api-server-kubelet-client");
  return {
    what: "the kubelet has not taken up its pods",
    part: "kubelet",
    wrong: async () => {
      const pods = await getJson<PodList>(told, admin);
      const taken = await getJson<PodList>(`https://127.0.0.1:${NODE_PORTS.kubelet}/pods/`, kubeletClient);
      const running = new Set(runningContainers((await containerd(layout, "tasks", "list")).stdout));
      const late = podsNotTakenUp(pods, taken, running);
      return late.length === 0 ? undefined : late.join(", ");
    },
  };
}

async function getJson<T>(url: string, identity: ClientIdentity): Promise<T> {
  const { status, body } = await ask(url, { identity });
  if (status !== 200) {
    throw new Error(`${url} answers ${status}`);
  }
  return JSON.parse(body) as T;
}

async function awaitCheck({ what, part, wrong }: Check, layout: ClusterLayout, deadline: number): Promise<void> {
  const folders = { pids: layout.pids, logs: layout.logs };
  for (;;) {
    const reason = await wrong().catch((error: Error) => error.message);
    if (reason === undefined) {
      return;
    }
    const ended = daemonAt(pidFileOf(folders, part)) === undefined;
    if (ended || Date.now() >= deadline) {
      const log = logFileOf(folders, part);
      throw new Failure(
        `${ended ? `${part} ended, and` : `After ${WORKING_SECONDS} s`} ${what}: ${reason}; the end of the log of ${part}:\n${tailOf(log)}`,
        `look into ${log}`,
      );
    }
    await sleep(100);
  }
}
