import assert from "node:assert/strict";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ControlPlane, startControlPlane } from "../../scripts/cluster/control-plane.ts";
import { ask, readIdentity } from "../../scripts/cluster/http.ts";
import {
  customResourceDefinitions,
  type Definition,
  type DefinitionsName,
} from "../../scripts/toolchain/definitions.ts";

/** An object as it would be applied. */
export interface Applicable {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/**
 * A real API server that is asked what it would say of an object, without keeping any: server-side apply with `dryRun=All`
 * and strict validation of fields, as a preview of the official plugin does. One for all files of a suite.
 *
 * Does not prove what admission webhooks of the projects would say: they do not run here.
 */
export class DryRun {
  readonly #plane: ControlPlane;
  readonly #resources = new Map<string, Promise<readonly ApiResource[]>>();
  readonly #namespaces = new Set<string>();
  readonly #defined = new Set<DefinitionsName>();

  private constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  static async start(): Promise<DryRun> {
    return new DryRun(await startControlPlane({ withSchedulerAndControllers: false }));
  }

  stop(): Promise<void> {
    return this.#plane.stop();
  }

  /** Makes a project's kinds known to the API server, by the definitions its module carries. */
  async define(...names: readonly DefinitionsName[]): Promise<void> {
    for (const name of names) {
      if (this.#defined.has(name)) {
        continue;
      }
      this.#defined.add(name);
      for (const definition of await customResourceDefinitions(name)) {
        await this.defineKind(definition);
      }
    }
  }

  /** Makes one kind known to the API server. */
  async defineKind(definition: Definition): Promise<void> {
    const { name: object } = definition.metadata;
    const target = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${object}`;
    const { status, body } = await this.#apply(target, definition);
    assert.ok(status < 300, `${object}: ${status} ${body}`);
    for (const version of definition.spec.versions.filter(({ served }) => served)) {
      await this.#served(`${definition.spec.group}/${version.name}`, definition.spec.names.kind);
    }
  }

  /** What the API server says against an object; undefined where it takes it. */
  refusal(object: Applicable): Promise<string | undefined> {
    return this.#send(object, "dryRun=All&fieldValidation=Strict&");
  }

  /** Has the API server keep an object that others refer to. */
  async keep(object: Applicable): Promise<void> {
    assert.equal(await this.#send(object, "fieldValidation=Strict&"), undefined);
  }

  async #send(object: Applicable, query: string): Promise<string | undefined> {
    const { apiVersion, kind, metadata } = object;
    const resource = (await this.#resourcesOf(apiVersion)).find(
      (each) => each.kind === kind && !each.name.includes("/"),
    );
    assert.ok(resource !== undefined, `the API server knows no ${kind} in ${apiVersion}`);
    const { name, namespace = "default" } = metadata;
    if (resource.namespaced) {
      await this.#ensureNamespace(namespace);
    }
    const place = resource.namespaced ? `/namespaces/${namespace}` : "";
    const { status, body } = await this.#apply(`${rootOf(apiVersion)}${place}/${resource.name}/${name}`, object, query);
    if (status < 300) {
      return undefined;
    }
    return (JSON.parse(body) as { message?: string }).message ?? body;
  }

  async #ensureNamespace(name: string): Promise<void> {
    if (!this.#namespaces.has(name)) {
      // The standard that every pod of ours keeps, so that one that does not is refused here.
      const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
      const object = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
      const { status, body } = await this.#apply(`/api/v1/namespaces/${name}`, object);
      assert.ok(status < 300, body);
      this.#namespaces.add(name);
    }
  }

  #resourcesOf(apiVersion: string): Promise<readonly ApiResource[]> {
    const known = this.#resources.get(apiVersion) ?? this.#discover(apiVersion);
    this.#resources.set(apiVersion, known);
    return known;
  }

  async #discover(apiVersion: string): Promise<readonly ApiResource[]> {
    const { status, body } = await this.#ask("GET", rootOf(apiVersion));
    assert.equal(status, 200, `${apiVersion} is not served: ${body}`);
    return (JSON.parse(body) as { resources: readonly ApiResource[] }).resources;
  }

  /** What follows a definition is served a moment later. */
  async #served(apiVersion: string, kind: string): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const { status, body } = await this.#ask("GET", rootOf(apiVersion));
      const resources = status === 200 ? (JSON.parse(body) as { resources: readonly ApiResource[] }).resources : [];
      if (resources.some((each) => each.kind === kind)) {
        return;
      }
      assert.ok(Date.now() < deadline, `waited 30 s in vain for ${kind} of ${apiVersion}`);
      await sleep(100);
    }
  }

  #apply(target: string, object: object, query = "") {
    return this.#ask("PATCH", `${target}?${query}fieldManager=test&force=true`, object);
  }

  #ask(method: string, target: string, body?: object) {
    return ask(`${this.#plane.server}${target}`, {
      identity: readIdentity(path.join(path.dirname(this.#plane.kubeconfigPath), "pki"), "admin"),
      method,
      timeoutSeconds: 60,
      ...(body === undefined ? {} : { body: JSON.stringify(body), contentType: "application/apply-patch+yaml" }),
    });
  }
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

let started: Promise<DryRun> | undefined;

/** The one of this run of the tests, started by whoever asks first. */
export function dryRun(): Promise<DryRun> {
  started ??= DryRun.start();
  return started;
}

after("stop the API server of the dry runs", async function () {
  this.timeout(60_000);
  await (await started)?.stop();
});
