import { readFileSync } from "node:fs";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { loadKubeconfig } from "../../../scripts/standins/kubernetes/kubeconfig.ts";
import { RestClient } from "../../../scripts/standins/kubernetes/rest.ts";
import type { JsonObject } from "../../../scripts/standins/kubernetes/values.ts";

let started: Promise<ControlPlane> | undefined;
let client: RestClient | undefined;

/** One control plane for every file of the suite, started by whoever asks first. */
export async function controlPlane(): Promise<ControlPlane> {
  started ??= startControlPlane();
  return await started;
}

after("stop the control plane", async function () {
  this.timeout(60_000);
  client?.close();
  await (await started)?.stop();
});

export async function api(): Promise<RestClient> {
  const { kubeconfigPath } = await controlPlane();
  client ??= new RestClient(loadKubeconfig({ kubeconfig: kubeconfigPath, context: "", cluster: "" }));
  return client;
}

export async function get(path: string): Promise<JsonObject> {
  return (await (await api()).request("GET", path)).body;
}

export async function patch(
  path: string,
  body: JsonObject,
  manager: string,
  type = "merge-patch",
): Promise<JsonObject> {
  const contentType = `application/${type}+${type === "apply-patch" ? "yaml" : "json"}`;
  return (await (await api()).request("PATCH", path, { body, contentType, query: { fieldManager: manager } })).body;
}

/** Server-side apply by somebody else. */
export async function applyAs(path: string, body: JsonObject, manager: string, force = false): Promise<JsonObject> {
  const query = { fieldManager: manager, force: String(force) };
  return (await (await api()).request("PATCH", path, { body, contentType: "application/apply-patch+yaml", query }))
    .body;
}

export async function destroy(path: string): Promise<void> {
  await (await api()).request("DELETE", path, { body: { kind: "DeleteOptions", apiVersion: "v1" } });
}

/** A namespace of the test's own. */
export async function freshNamespace(prefix: string): Promise<string> {
  const name = `${prefix}-${process.pid}-${(counter++).toString(36)}`;
  await applyAs(`/api/v1/namespaces/${name}`, { apiVersion: "v1", kind: "Namespace", metadata: { name } }, "test");
  return name;
}
let counter = 0;

/** Asks `probe` until it answers. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Whether a path answers 404. */
export async function isGone(path: string): Promise<boolean> {
  try {
    await get(path);
    return false;
  } catch (error) {
    if ((error as { status?: number }).status === 404) return true;
    throw error;
  }
}

/**
 * Plays the kubelet, which a control plane alone does not have: gives every pod of a namespace the status until stopped.
 *
 * @param status from a pod's name
 */
export function playKubelet(namespace: string, status: (pod: string) => JsonObject): () => Promise<void> {
  const stop = new AbortController();
  const running = (async () => {
    const done = new Set<string>();
    while (!stop.signal.aborted) {
      const { items } = (await get(`/api/v1/namespaces/${namespace}/pods`)) as {
        items: { metadata: { name: string } }[];
      };
      for (const { name } of items.map(({ metadata }) => metadata)) {
        if (done.has(name)) continue;
        done.add(name);
        await patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, { status: status(name) }, "kubelet");
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return async () => {
    stop.abort();
    await running;
  };
}

export const runningStatus: JsonObject = {
  phase: "Running",
  podIP: "10.1.2.3",
  podIPs: [{ ip: "10.1.2.3" }],
  conditions: [
    { type: "Ready", status: "True" },
    { type: "ContainersReady", status: "True" },
  ],
};

/** Runs `test` with a node that exists on paper: endpoints are published only for pods on a node. */
export async function withNode(name: string, test: () => Promise<void>): Promise<void> {
  const path = `/api/v1/nodes/${name}`;
  await applyAs(path, { apiVersion: "v1", kind: "Node", metadata: { name } }, "test");
  const capacity = { cpu: "8", memory: "16Gi", pods: "110" };
  const conditions = [{ type: "Ready", status: "True", reason: "Test", lastHeartbeatTime: new Date().toISOString() }];
  await patch(`${path}/status`, { status: { capacity, allocatable: capacity, conditions } }, "kubelet");
  try {
    await test();
  } finally {
    await destroy(path);
  }
}

export interface AuditEntry {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
}

/** Requests of providers (not of the tests' other helpers) since `mark`, by the API server's own account. */
export async function auditedSince(mark: number): Promise<AuditEntry[]> {
  const { auditLogPath } = await controlPlane();
  const lines = readFileSync(auditLogPath, "utf8").slice(mark).trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as AuditEntry);
}

export async function auditMark(): Promise<number> {
  return readFileSync((await controlPlane()).auditLogPath, "utf8").length;
}
