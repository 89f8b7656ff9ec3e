import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { networkInterfaces, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import { type ControlPlane, startControlPlane } from "../../../scripts/cluster/control-plane.ts";
import { ask, type ClientIdentity, readIdentity } from "../../../scripts/cluster/http.ts";
import { toolFolder } from "../../../scripts/lib/roots.ts";

export type Json = Readonly<Record<string, unknown>>;

/** Where the API server keeps the objects of a kind. */
const PLACES: Readonly<Record<string, { readonly apiVersion: string; readonly plural: string }>> = {
  APIService: { apiVersion: "apiregistration.k8s.io/v1", plural: "apiservices" },
  ClusterRole: { apiVersion: "rbac.authorization.k8s.io/v1", plural: "clusterroles" },
  ClusterRoleBinding: { apiVersion: "rbac.authorization.k8s.io/v1", plural: "clusterrolebindings" },
  CustomResourceDefinition: { apiVersion: "apiextensions.k8s.io/v1", plural: "customresourcedefinitions" },
  Deployment: { apiVersion: "apps/v1", plural: "deployments" },
  EndpointSlice: { apiVersion: "discovery.k8s.io/v1", plural: "endpointslices" },
  HorizontalPodAutoscaler: { apiVersion: "autoscaling/v2", plural: "horizontalpodautoscalers" },
  Namespace: { apiVersion: "v1", plural: "namespaces" },
  Role: { apiVersion: "rbac.authorization.k8s.io/v1", plural: "roles" },
  RoleBinding: { apiVersion: "rbac.authorization.k8s.io/v1", plural: "rolebindings" },
  ScaledObject: { apiVersion: "keda.sh/v1alpha1", plural: "scaledobjects" },
  Secret: { apiVersion: "v1", plural: "secrets" },
  Service: { apiVersion: "v1", plural: "services" },
  ServiceAccount: { apiVersion: "v1", plural: "serviceaccounts" },
};

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** A control plane of the test's own: an API whose server nobody reaches would hinder everybody else's. */
export class Cluster {
  readonly folder = mkdtempSync(path.join(tmpdir(), "millwright-autoscaler-"));
  readonly #plane: ControlPlane;
  readonly #admin: ClientIdentity;

  private constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#admin = readIdentity(path.join(path.dirname(plane.kubeconfigPath), "pki"), "admin");
  }

  static async start(): Promise<Cluster> {
    return new Cluster(await startControlPlane());
  }

  get kubeconfig(): string {
    return this.#plane.kubeconfigPath;
  }

  async stop(): Promise<void> {
    await this.#plane.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Applies an object as `pulumi up` would. */
  async apply(kind: string, object: Named): Promise<void> {
    const { apiVersion } = PLACES[kind]!;
    const body = { apiVersion, kind, ...object };
    const { status, text } = await this.#send("PATCH", `${pathOf(kind, object)}?fieldManager=test&force=true`, body);
    assert.ok(status < 300, `${kind} ${object.metadata.name}: ${status} ${text}`);
  }

  /** What the API server says of an object it is asked to judge strictly; undefined where it takes it. */
  async refusal(kind: string, object: Named): Promise<string | undefined> {
    const folder = path.posix.dirname(pathOf(kind, object));
    const query = "dryRun=All&fieldValidation=Strict";
    const { status, text } = await this.#send("POST", `${folder}?${query}`, object, "application/json");
    return status === 201 ? undefined : text;
  }

  /** Undefined where there is none. */
  async get<T = Json>(kind: string, name: string, namespace?: string): Promise<T | undefined> {
    const object = { metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
    const { status, text } = await this.#send("GET", pathOf(kind, object));
    assert.ok(status === 200 || status === 404, text);
    return status === 404 ? undefined : (JSON.parse(text) as T);
  }

  async remove(kind: string, object: Named): Promise<void> {
    const { status, text } = await this.#send("DELETE", pathOf(kind, object));
    assert.ok(status < 300, text);
    await eventually(`${kind} ${object.metadata.name} is gone`, async () => {
      const { name, namespace } = object.metadata;
      return (await this.get(kind, name, namespace)) === undefined ? true : undefined;
    });
  }

  /** A token of an account, and a kubeconfig with it: its rights, and no others. */
  async login(name: string, namespace: string): Promise<{ readonly token: string; readonly kubeconfig: string }> {
    const path_ = `${pathOf("ServiceAccount", { metadata: { name, namespace } })}/token`;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const { status, text } = await this.#send("POST", path_, body, "application/json");
    assert.equal(status, 201, text);
    const { token } = (JSON.parse(text) as { status: { token: string } }).status;
    const kubeconfig = path.join(this.folder, `${name}.kubeconfig`);
    writeFileSync(kubeconfig, renderTokenKubeconfig(this.#plane.server, this.#admin.ca, token), { mode: 0o600 });
    return { token, kubeconfig };
  }

  /**
   * Mounts a Secret as the kubelet does, also when it changes.
   *
   * @returns the folder, and how to end it
   */
  mountSecret(name: string, namespace: string): { readonly folder: string; readonly stop: () => Promise<void> } {
    const folder = path.join(this.folder, name);
    mkdirSync(folder);
    let isStopping = false;
    const mounting = (async () => {
      for (; !isStopping; await sleep(500)) {
        const { data = {} } = (await this.get<{ data?: Record<string, string> }>("Secret", name, namespace)) ?? {};
        for (const [file, content] of Object.entries(data)) {
          writeFileSync(path.join(folder, file), Buffer.from(content, "base64"));
        }
      }
    })();
    return {
      folder,
      stop: async () => {
        isStopping = true;
        await mounting;
      },
    };
  }

  async #send(method: string, target: string, body?: unknown, contentType = "application/apply-patch+yaml") {
    const answer = await ask(`${this.#plane.server}${target}`, {
      identity: this.#admin,
      method,
      timeoutSeconds: 30,
      ...(body === undefined ? {} : { body: JSON.stringify(body), contentType }),
    });
    return { status: answer.status, text: answer.body };
  }
}

function pathOf(kind: string, { metadata: { name, namespace } }: Named): string {
  const place = PLACES[kind];
  assert.ok(place !== undefined, `no place for ${kind}`);
  const root = place.apiVersion.includes("/") ? `/apis/${place.apiVersion}` : `/api/${place.apiVersion}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${place.plural}/${name}`;
}

function renderTokenKubeconfig(server: string, ca: Buffer, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": ca.toString("base64") } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "keda" } }],
    users: [{ name: "keda", user: { token } }],
  });
}

/** KEDA's own definitions, as its module carries them. */
export function originalDefinitions(): Named[] {
  const folder = path.join(toolFolder("keda"), "definitions");
  assert.ok(existsSync(folder), `${folder} is not there`);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => parseAllDocuments(readFileSync(path.join(folder, file), "utf8")).map((each) => each.toJS()))
    .filter((each) => each !== null) as Named[];
}

/** An address of this machine that an EndpointSlice may hold: no loopback. */
export function outerAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal, address }) => family === "IPv4" && !internal && !address.startsWith("169.254."))
    ?.address;
}

/** Plays a router: tells a load, or refuses. */
export class FakeRouter {
  load = 0;
  isBroken = false;
  readonly #server: http.Server;

  private constructor() {
    this.#server = http.createServer((request, response) => {
      if (request.url !== "/load" || this.isBroken) {
        response.writeHead(this.isBroken ? 500 : 404).end();
        return;
      }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ requests: this.load }));
    });
  }

  static async start(address: string, port: number): Promise<FakeRouter> {
    const router = new FakeRouter();
    await new Promise<void>((resolve, reject) => {
      router.#server.once("error", reject).listen(port, address, resolve);
    });
    return router;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** One request of whoever has the token. The server's certificate is for its name in the cluster, not its address. */
export function askWithToken(url: string, token: string, caFile: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = https.get(
      url,
      {
        agent: false,
        ca: readFileSync(caFile),
        checkServerIdentity: () => undefined,
        headers: { authorization: `Bearer ${token}` },
        timeout: 5000,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          body += part;
        });
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.once("timeout", () => request.destroy(new Error(`${url} did not answer`)));
    request.once("error", reject);
  });
}

/** Asks until there is an answer. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) {
      return found;
    }
    assert.ok(Date.now() < deadline, `waited ${seconds} s in vain: ${what}`);
    await sleep(200);
  }
}
