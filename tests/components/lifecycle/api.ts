import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlatformSpec } from "../../../stacks/schema.ts";
import { stackOf } from "./fixtures.ts";

export interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

/** Speaks the few words of the Kubernetes API that are read, and remembers what it was asked. */
export class FakeApi {
  readonly requests: IncomingMessage[] = [];
  /** Answers by the resource that is listed; lists are empty by default. */
  readonly answers: Record<"jobs" | "configmaps" | "pods", Answer> = {
    jobs: { body: { kind: "JobList", items: [] } },
    configmaps: { body: { kind: "ConfigMapList", items: [] } },
    pods: { body: { kind: "PodList", items: [] } },
  };
  readonly #folder = mkdtempSync(join(tmpdir(), "millwright-api-"));
  readonly #server = createServer((request, response) => {
    this.requests.push(request);
    const resource = /\/(jobs|configmaps|pods)\?/.exec(request.url ?? "")?.[1] as keyof FakeApi["answers"];
    const { status = 200, body } = this.answers[resource];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });

  static async start(): Promise<FakeApi> {
    const api = new FakeApi();
    await new Promise<void>((started) => api.#server.listen(0, "127.0.0.1", started));
    await api.writeKubeconfig({ token: "secret" });
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get kubeconfig(): string {
    return join(this.#folder, "kubeconfig");
  }

  /** Writes a kubeconfig that leads here, with a user who proves itself like this. */
  async writeKubeconfig(user: object, cluster: object = {}, file = this.kubeconfig): Promise<void> {
    const config = {
      clusters: [{ name: "c", cluster: { server: this.url, ...cluster } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "test", context: { cluster: "c", user: "u" } }],
    };
    await writeFile(file, JSON.stringify(config));
  }

  platform(changes: object = {}): PlatformSpec {
    return {
      ...stackOf("mail-triage").platform,
      cluster: { kind: "existing", context: "test", kubeconfig: this.kubeconfig, ...changes },
    };
  }

  async stopListening(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async stop(): Promise<void> {
    await this.stopListening();
    await rm(this.#folder, { recursive: true });
  }
}
