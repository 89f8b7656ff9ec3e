import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import type { PlacementKind } from "../../../components/compute/scheduler-profile.ts";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { ask, type ClientIdentity, readIdentity } from "../../../scripts/cluster/http.ts";
import { toolFolder } from "../../../scripts/lib/roots.ts";

/** An object as the API server takes it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Plurals that are not the kind in lower case with an s. */
const PLURALS: Readonly<Record<string, string>> = {
  PriorityClass: "priorityclasses",
  WorkloadPriorityClass: "workloadpriorityclasses",
  Topology: "topologies",
  NetworkPolicy: "networkpolicies",
};

/** The path of an object: of itself, or of all of its kind where there is no name. */
export function pathOf({
  apiVersion,
  kind,
  metadata: { name, namespace },
}: Pick<KubernetesObject, "apiVersion" | "kind"> & {
  readonly metadata: { readonly name?: string; readonly namespace?: string | undefined };
}): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const folder = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  return `${root}${folder}/${plural}${name === undefined ? "" : `/${name}`}`;
}

/** A control plane of the test's own, and what tests ask of it. Its nodes exist on paper. */
export class Cluster {
  /** For files of the test; removed in the end. */
  readonly folder = mkdtempSync(path.join(tmpdir(), "millwright-scheduling-"));
  readonly #plane: ControlPlane;
  readonly #admin: ClientIdentity;

  private constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#admin = readIdentity(path.join(path.dirname(plane.kubeconfigPath), "pki"), "admin");
  }

  static async start(placement: PlacementKind = "spread"): Promise<Cluster> {
    return new Cluster(await startControlPlane({ placement, auditLog: false }));
  }

  get kubeconfig(): string {
    return this.#plane.kubeconfigPath;
  }

  async stop(): Promise<void> {
    await this.#plane.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async send(method: string, target: string, body?: unknown, contentType = "application/json") {
    const answer = await ask(`${this.#plane.server}${target}`, {
      identity: this.#admin,
      method,
      timeoutSeconds: 30,
      ...(body === undefined ? {} : { body: JSON.stringify(body), contentType }),
    });
    return { status: answer.status, text: answer.body };
  }

  /** Applies an object as `pulumi up` would. */
  async apply(object: KubernetesObject): Promise<void> {
    const target = `${pathOf(object)}?fieldManager=test&force=true`;
    const { status, text } = await this.send("PATCH", target, object, "application/apply-patch+yaml");
    assert.ok(status < 300, `${object.kind} ${object.metadata.name}: ${status} ${text}`);
  }

  /** What the API server says of an object that it is asked to judge strictly; undefined where it takes it. */
  async refusal(object: KubernetesObject): Promise<string | undefined> {
    const { name: _, ...place } = object.metadata;
    const target = `${pathOf({ ...object, metadata: place })}?dryRun=All&fieldValidation=Strict`;
    const { status, text } = await this.send("POST", target, object);
    return status === 201 ? undefined : text;
  }

  async get<T = KubernetesObject>(target: string): Promise<T> {
    const { status, text } = await this.send("GET", target);
    assert.equal(status, 200, text);
    return JSON.parse(text) as T;
  }

  /** A node that is ready, of nothing but these labels and this capacity. */
  async addNode(
    name: string,
    capacity: Readonly<Record<string, string>>,
    { labels = {}, taints = [] }: { labels?: Readonly<Record<string, string>>; taints?: readonly object[] } = {},
  ): Promise<void> {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels }, spec: { taints } };
    await this.apply(node);
    const conditions = [{ type: "Ready", status: "True", reason: "Test", lastHeartbeatTime: new Date().toISOString() }];
    const status = { capacity, allocatable: capacity, conditions };
    const patched = await this.send("PATCH", `${pathOf(node)}/status`, { status }, "application/merge-patch+json");
    assert.equal(patched.status, 200, patched.text);
    // The node controller taints a new node until it has seen it ready.
    await eventually(`${name} without taints of its own`, async () => {
      const { spec } = await this.get<{ spec?: { taints?: unknown[] } }>(pathOf(node));
      return (spec?.taints ?? []).length === taints.length ? true : undefined;
    });
  }
}

/** Asks until there is an answer. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) {
      return found;
    }
    assert.ok(Date.now() < end, `waited ${seconds} s in vain for ${what}`);
    await sleep(100);
  }
}

/** What Kueue's own module has in one of the folders that its build keeps. */
export function kueueObjects(kept: "definitions" | "webhooks"): KubernetesObject[] {
  const folder = path.join(toolFolder("kueue"), kept);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => parseAllDocuments(readFileSync(path.join(folder, file), "utf8")))
    .map((each) => each.toJS() as KubernetesObject | null)
    .filter((each) => each?.apiVersion !== undefined && each.metadata?.name !== undefined) as KubernetesObject[];
}
