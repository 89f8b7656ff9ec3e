import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, Cancelled, Unreachable } from "./apiError.ts";
import type { JsonObject } from "./values.ts";

export type Method = "GET" | "PATCH" | "DELETE";
export type Query = Readonly<Record<string, string | undefined>>;

export interface Answer {
  /** 200 or 201. */
  readonly status: number;
  readonly body: JsonObject;
}

export interface RequestOptions {
  readonly query?: Query;
  readonly body?: JsonObject;
  /** @default application/json */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: JsonObject;
}

/** Credentials are read again after this long, so that rotated files and expiring tokens are picked up. */
const CREDENTIALS_MILLIS = 30_000;
const REQUEST_TIMEOUT_MILLIS = 60_000;
const MAX_ATTEMPTS = 6;
/** A refused connection is not worth waiting long for: the server is down, or is just coming up. */
const MAX_REFUSED_ATTEMPTS = 4;
const MAX_SOCKETS = 64;

const retryableStatus: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

interface Credentials {
  readonly options: https.RequestOptions;
  readonly requests: http.Agent;
  readonly watches: http.Agent;
  readonly key: string;
  readonly readAt: number;
}

/**
 * The Kubernetes API over HTTP/1.1 with kept-alive connections. Every request it makes can be repeated safely, so what fails
 * on the way (429, 5xx, a reset connection) is repeated with growing pauses, about 6 s in all.
 */
export class RestClient {
  readonly server: string;
  private readonly kubeconfig: KubeConfig;
  private readonly url: URL;
  private credentials: Promise<Credentials> | undefined;
  private readonly open = new Set<http.Agent>();

  constructor(kubeconfig: KubeConfig) {
    this.kubeconfig = kubeconfig;
    this.server = kubeconfig.getCurrentCluster()?.server ?? "";
    this.url = new URL(this.server);
  }

  /**
   * @throws ApiError when the server answered with a failure
   * @throws Unreachable when it did not answer
   * @throws Cancelled when `signal` was aborted
   */
  async request(method: Method, path: string, options: RequestOptions = {}): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(method, path, options);
      } catch (error) {
        if (options.signal?.aborted === true) throw new Cancelled("cancelled");
        const pause = this.pauseBefore(attempt, error);
        if (pause === undefined) throw this.explained(error);
        await sleep(pause, undefined, options.signal && { signal: options.signal }).catch(() => undefined);
      }
    }
  }

  /**
   * Calls `onEvent` for every change until the server ends the watch (then it returns) or `signal` is aborted.
   *
   * @throws ApiError, Unreachable as `request` does
   */
  async watch(path: string, query: Query, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.send("GET", `${path}${queryString({ ...query, watch: "true" })}`, {}, signal, true);
      if (response.statusCode !== 200) throw failure(response, await text(response), path);
      let pending = "";
      response.setEncoding("utf8");
      for await (const chunk of response) {
        const lines = `${pending}${chunk as string}`.split("\n");
        pending = lines.pop() ?? "";
        for (const line of lines) if (line !== "") onEvent(JSON.parse(line) as WatchEvent);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw this.explained(error);
    }
  }

  /** Closes kept-alive connections. */
  close(): void {
    for (const agent of this.open) agent.destroy();
  }

  private async once(
    method: Method,
    path: string,
    { query, body, contentType, signal }: RequestOptions,
  ): Promise<Answer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { "Content-Type": contentType ?? "application/json" };
    const response = await this.send(method, `${path}${queryString(query ?? {})}`, headers, signal, false, payload);
    const answer = await text(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) {
      if (status === 401) this.credentials = undefined;
      throw failure(response, answer, path);
    }
    return { status, body: JSON.parse(answer) as JsonObject };
  }

  private async send(
    method: Method,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    isWatch: boolean,
    payload?: string,
  ): Promise<http.IncomingMessage> {
    const { options, requests, watches } = await this.currentCredentials();
    const basePath = this.url.pathname.replace(/\/$/, "");
    return await new Promise((resolve, reject) => {
      const request = (this.url.protocol === "http:" ? http : https).request(
        {
          ...options,
          protocol: this.url.protocol,
          hostname: this.url.hostname.replace(/^\[|\]$/g, ""),
          port: this.url.port,
          path: `${basePath}${path}`,
          method,
          agent: isWatch ? watches : requests,
          headers: {
            ...(options.headers as http.OutgoingHttpHeaders),
            ...headers,
            Accept: "application/json",
            "User-Agent": "pulumi-kubernetes-standin",
            ...(payload === undefined ? {} : { "Content-Length": Buffer.byteLength(payload) }),
          },
          ...(signal && { signal }),
        },
        resolve,
      );
      if (!isWatch) {
        request.setTimeout(REQUEST_TIMEOUT_MILLIS, () => {
          request.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MILLIS / 1000} s`));
        });
      }
      request.on("error", reject);
      request.end(payload);
    });
  }

  private async currentCredentials(): Promise<Credentials> {
    const current = await this.credentials?.catch(() => undefined);
    if (current !== undefined && Date.now() - current.readAt < CREDENTIALS_MILLIS) return current;
    this.credentials = this.readCredentials(current);
    return await this.credentials;
  }

  private async readCredentials(previous: Credentials | undefined): Promise<Credentials> {
    const options: https.RequestOptions = {};
    await this.kubeconfig.applyToHTTPSOptions(options);
    const { agent, ...rest } = options;
    const key = JSON.stringify(
      [rest.ca, rest.cert, rest.key, rest.pfx, rest.servername, rest.rejectUnauthorized].map(String),
    );
    const readAt = Date.now();
    if (previous?.key === key) return { ...previous, options: rest, readAt };
    const isProxied = this.kubeconfig.getCurrentCluster()?.proxyUrl !== undefined;
    return { options: rest, key, readAt, ...(isProxied ? this.sharedAgent(agent) : this.newAgents()) };
  }

  private sharedAgent(agent: unknown): Pick<Credentials, "requests" | "watches"> {
    return { requests: agent as http.Agent, watches: agent as http.Agent };
  }

  private newAgents(): Pick<Credentials, "requests" | "watches"> {
    const { Agent } = this.url.protocol === "http:" ? http : https;
    const agents = {
      requests: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: "lifo" }),
      watches: new Agent({ keepAlive: false }),
    };
    this.open.add(agents.requests).add(agents.watches);
    return agents;
  }

  /** Milliseconds to wait before the next attempt; undefined when there should be none. */
  private pauseBefore(attempt: number, error: unknown): number | undefined {
    if (attempt >= MAX_ATTEMPTS) return undefined;
    const backoff = Math.min(100 * 2 ** attempt, 3000) * (0.75 + Math.random() / 2);
    if (error instanceof ApiError) {
      if (!retryableStatus.has(error.status) || isMisdeclared(error)) return undefined;
      return Math.max(backoff, Math.min(error.retryAfterSeconds ?? 0, 10) * 1000);
    }
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "ECONNREFUSED") return attempt < MAX_REFUSED_ATTEMPTS ? backoff : undefined;
    return ["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"].includes(code) ? backoff : undefined;
  }

  private explained(error: unknown): unknown {
    if (error instanceof ApiError || error instanceof Cancelled) return error;
    const { code, message } = error as NodeJS.ErrnoException;
    return new Unreachable(
      `the Kubernetes API server at ${this.server} cannot be reached (${message || (code ?? "unknown error")}). ` +
        "Check that it is running and that the kubeconfig's server, certificates and credentials are current.",
    );
  }
}

/** Server-side apply answers 500 to an object that does not fit its schema; asking again does not make it fit. */
const isMisdeclared = (error: ApiError): boolean => /failed to create typed patch object/.test(error.message);

function queryString(query: Query): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries).toString()}`;
}

async function text(response: http.IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let result = "";
  for await (const chunk of response) result += chunk as string;
  return result;
}

function failure(response: http.IncomingMessage, answer: string, path: string): ApiError {
  let body: unknown;
  try {
    body = JSON.parse(answer);
  } catch {
    // Not every failure comes from the API server itself: proxies answer in plain text, which is then the message.
    body = undefined;
  }
  const status = response.statusCode ?? 0;
  return new ApiError(status, body, `${path}: HTTP ${status} ${answer.trim().slice(0, 500)}`);
}
