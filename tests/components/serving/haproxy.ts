import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { renderHaproxyConfig } from "../../../components/serving/haproxy.ts";
import type { Route, RouterLimits } from "../../../components/serving/types.ts";
import { freePort } from "../../../scripts/lib/port.ts";
import { findOnPath } from "../../../scripts/toolchain/path.ts";

/** A real HAProxy with real HTTP servers behind it, all on free ports of 127.0.0.1. */

export const HAPROXY = findOnPath("haproxy");

/** Skips a suite and says why, where there is no HAProxy. */
export function skipWithoutHaproxy(context: Mocha.Context): void {
  if (HAPROXY === undefined) {
    process.stderr.write("      skipped: no haproxy on the PATH: apt-get install --no-install-recommends haproxy\n");
    context.skip();
  }
}

export const LIMITS: RouterLimits = {
  concurrency: 16,
  bodyBytes: 100_000,
  holdSeconds: 5,
  queueSeconds: 5,
  requestSeconds: 5,
};

/** A route to a server of this machine. */
export function routeTo(port: number, server: Route["server"] = "stable", weight = 100): Route {
  return { server, version: `mail-triage-training-${server}`, weight, address: `127.0.0.1:${port}` };
}

export class Router {
  readonly port: number;
  readonly #metricsPort: number;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #output: string[] = [];

  private constructor(child: ChildProcess, folder: string, ports: { http: number; metrics: number }) {
    this.#process = child;
    this.#folder = folder;
    this.port = ports.http;
    this.#metricsPort = ports.metrics;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#output.push(text));
    }
  }

  /** Starts one as the image does, and waits until it is healthy. */
  static async start(routes: readonly Route[], limits: Partial<RouterLimits> = {}): Promise<Router> {
    const ports = { http: await freePort(), metrics: await freePort() };
    const folder = mkdtempSync(path.join(tmpdir(), "millwright-router-"));
    const file = path.join(folder, "haproxy.cfg");
    writeFileSync(file, renderHaproxyConfig({ routes, limits: { ...LIMITS, ...limits }, ports }));
    const child = spawn(HAPROXY!, ["-db", "-f", file], { stdio: ["ignore", "pipe", "pipe"] });
    const router = new Router(child, folder, ports);
    for (let tries = 0; tries < 100; tries++) {
      if (await router.isHealthy()) {
        return router;
      }
      await sleep(50);
    }
    await router.kill();
    throw new Error(`HAProxy did not start: ${router.output}`);
  }

  get output(): string {
    return this.#output.join("");
  }

  async isHealthy(): Promise<boolean> {
    try {
      return (await send(this.#metricsPort, { path: "/healthz" })).status === 200;
    } catch {
      return false;
    }
  }

  /** The value of one of a server's counters. */
  async counter(name: string, server: Route["server"], code?: string): Promise<number> {
    const { body } = await send(this.#metricsPort, { path: "/metrics" });
    const labels = `proxy="versions",server="${server}"${code === undefined ? "" : `,code="${code}"`}`;
    const line = body.split("\n").find((each) => each.startsWith(`haproxy_server_${name}{${labels}} `));
    assert.ok(line !== undefined, `no ${name} of ${server} ${code ?? ""}`);
    return Number(line.split(" ").at(-1));
  }

  /** Its load, as KEDA reads it. */
  async load(): Promise<number> {
    const { status, headers, body } = await send(this.#metricsPort, { path: "/load" });
    assert.deepEqual([status, headers["content-type"]], [200, "application/json"]);
    return (JSON.parse(body) as { requests: number }).requests;
  }

  /** Soft stop, as the kubelet asks for it by the image's STOPSIGNAL. */
  softStop(): void {
    this.#process.kill("SIGUSR1");
  }

  /** @returns the exit code; null if a signal ended it */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await once(this.#process, "exit");
    }
    return this.#process.exitCode;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** A server of a version: answers 200 with its name unless told otherwise. */
export class Server {
  readonly name: string;
  readonly port: number;
  handler: Handler;
  /** Requests it was given, answered or not. */
  requests = 0;
  /** Connections it was asked for. */
  connections = 0;
  /** Most requests at the same time. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #server: http.Server;

  private constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
    this.handler = (_request, response) => response.end(name);
    this.#server = http.createServer((request, response) => {
      this.requests++;
      this.#atOnce++;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
      response.once("close", () => this.#atOnce--);
      request.resume();
      request.once("end", () => this.handler(request, response));
    });
    this.#server.on("connection", () => this.connections++);
  }

  /** One whose port refuses connections until it listens. */
  static async reserve(name: string): Promise<Server> {
    return new Server(name, await freePort());
  }

  static async start(name: string): Promise<Server> {
    const server = await Server.reserve(name);
    await server.listen();
    return server;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly milliseconds: number;
}

export interface Call {
  /** @default "/" */
  readonly path?: string;
  /** POSTs it. @default none: a GET */
  readonly body?: string;
  /** @default a connection of its own */
  readonly agent?: http.Agent;
  readonly headers?: http.OutgoingHttpHeaders;
}

/** Sends one request to 127.0.0.1. Rejects where no whole answer comes. */
export function send(port: number, { path: target = "/", body, agent, headers = {} }: Call = {}): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: target, headers, agent: agent ?? false };
    const request = http.request({ ...options, method: body === undefined ? "GET" : "POST" }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          milliseconds: performance.now() - started,
        }),
      );
    });
    request.once("error", reject);
    request.end(body);
  });
}
