import { existsSync } from "node:fs";
import { Failure } from "../lib/failure.ts";
import { stateRoot } from "../lib/roots.ts";
import { CONTROL_PLANE_PORTS } from "./constants.ts";
import { serverUrl } from "./control-plane.ts";
import { requireMachine, runningParts } from "./holder.ts";
import { isHealthy, readIdentity } from "./http.ts";
import { clusterLayout } from "./layout.ts";
import { judgeMachine, readMachine } from "./machine.ts";

export interface ClusterState {
  readonly stateRoot: string;
  readonly kubeconfigPath: string;
  readonly auditLogPath: string;
  /** Names of the parts whose process runs, sorted. */
  readonly running: readonly string[];
  /** Whether the API server says it is ready. */
  readonly answering: boolean;
}

/** What runs of the local datacenter. Reads only, and needs no privileges where the state root may be read. */
export async function clusterState(): Promise<ClusterState> {
  const root = stateRoot();
  const layout = clusterLayout(root);
  const running = [...runningParts(root)].sort();
  const answering =
    running.includes("kube-apiserver") && existsSync(layout.kubeconfig) && (await apiAnswers(layout.pki));
  return { stateRoot: root, kubeconfigPath: layout.kubeconfig, auditLogPath: layout.auditLog, running, answering };
}

async function apiAnswers(pki: string): Promise<boolean> {
  try {
    return await isHealthy(`${serverUrl(CONTROL_PLANE_PORTS)}/readyz`, readIdentity(pki, "admin"));
  } catch {
    // Not answering is what is asked for here, whatever the reason.
    return false;
  }
}

/** Why the local datacenter cannot run on this machine now; undefined where it can, or does. */
export async function nodeObstacle(): Promise<Failure | undefined> {
  const root = stateRoot();
  try {
    requireMachine(root);
  } catch (error) {
    if (error instanceof Failure) {
      return error;
    }
    throw error;
  }
  const facts = await readMachine(root, runningParts(root));
  // Debian's packages are installed by the start itself.
  return judgeMachine(existsSync("/usr/bin/apt-get") ? { ...facts, missing: [] } : facts);
}
