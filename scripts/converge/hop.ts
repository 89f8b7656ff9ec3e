import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { loopbackCertificate } from "./hop/certificate.ts";
import {
  type Attempt,
  delay,
  isRepeatable,
  isStream,
  type NoAnswer,
  noAnswer,
  patienceMillis,
  shouldRetry,
} from "./hop/retry.ts";
import { kubeconfigFor, Upstream } from "./hop/upstream.ts";

export interface HopLimits {
  /** For how long the API server may be silent on a request that is no stream. @default 15 s */
  readonly silenceMillis: number;
  /** For how long a request is tried in all: an API server may be away for a minute. @default 120 s */
  readonly totalMillis: number;
  /**
   * What is kept of a request, so that it can be sent again, and of an answer, so that one that breaks off can be asked for again.
   *
   * @default 16 MiB
   */
  readonly maxBodyBytes: number;
  /** See {@link delay}. */
  readonly delay: (attempt: number, retryAfter?: string) => number;
}

export interface HopOptions {
  /** The kubeconfig file or, as `$KUBECONFIG`, a list of files. */
  readonly kubeconfig: string;
  readonly context: string;
  readonly limits?: Partial<HopLimits>;
}

export interface HopCounts {
  /** Requests that were let in. */
  readonly requests: number;
  /** Attempts beyond the first. */
  readonly retries: number;
  /** Requests that could have been tried again when their time was over. */
  readonly gaveUp: number;
}

export interface Hop {
  /** The file that leads through the hop, under the names of the original. */
  readonly kubeconfig: string;
  readonly counts: HopCounts;
  /** Ends what is under way and removes the file. */
  close(): Promise<void>;
}

const HOP_FOLDER = "millwright-hop-";

/** Whether a kubeconfig was written by a hop, of this process or of one that was killed. */
export function isHopKubeconfig(file: string): boolean {
  return path.basename(path.dirname(file)).startsWith(HOP_FOLDER);
}

/** Longer than the 90 s after which Go closes an idle connection: closed from this side, a request could meet the closing. */
const KEEP_ALIVE_MILLIS = 600_000;

const LIMITS: HopLimits = { silenceMillis: 15_000, totalMillis: 120_000, maxBodyBytes: 16 * 1024 * 1024, delay };

/**
 * Opens a reverse proxy on 127.0.0.1 before the API server of a context, which sends requests again that failed for a reason that
 * passes: the official Kubernetes provider does not. It acts as the context's user, for whoever has the token in the kubeconfig
 * that it writes. With TLS, since client-go sends no token without.
 *
 * @throws Failure where the kubeconfig has no such context, and what the user's login ends with where it fails
 */
export async function openHop({ kubeconfig, context, limits }: HopOptions): Promise<Hop> {
  const upstream = new Upstream(kubeconfig, context);
  await upstream.access();
  const token = randomBytes(32).toString("base64url");
  const counts = { requests: 0, retries: 0, gaveUp: 0 };
  const forwarder = new Forwarder(upstream, { ...LIMITS, ...limits }, counts);
  const isLetIn = sameAs(`Bearer ${token}`);
  const { key, certificate } = loopbackCertificate();
  const server = https.createServer({ key, cert: certificate, keepAliveTimeout: KEEP_ALIVE_MILLIS });
  server.on("request", (request, response) => {
    if (!isLetIn(request.headers.authorization ?? "")) {
      return refuse(response, 401, "Unauthorized", "this is not the token of this hop");
    }
    counts.requests += 1;
    const gone = new AbortController();
    // Also where the hop closes: it ends its connections.
    response.on("close", () => gone.abort());
    forwarder.forward(request, response, gone.signal).catch(() => response.destroy());
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed).listen(0, "127.0.0.1", listening);
  });
  const folder = await mkdtemp(path.join(tmpdir(), HOP_FOLDER));
  const file = path.join(folder, "kubeconfig");
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(file, kubeconfigFor(upstream, { server: address, certificate, token }), { mode: 0o600 });
  return {
    kubeconfig: file,
    counts,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
      upstream.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A comparison that takes as long for a near miss as for any other. */
function sameAs(expected: string): (given: string) => boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  const wanted = hash(expected);
  return (given) => timingSafeEqual(hash(given), wanted);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How an attempt ended: answered (`rest` is what is not yet in `body`), or not. */
type Outcome =
  | { readonly response: http.IncomingMessage; readonly body: Buffer; readonly rest: boolean }
  | { readonly failure: NoAnswer | undefined; readonly reason: string };

class Forwarder {
  readonly #upstream: Upstream;
  readonly #limits: HopLimits;
  readonly #counts: Mutable<HopCounts>;

  constructor(upstream: Upstream, limits: HopLimits, counts: Mutable<HopCounts>) {
    this.#upstream = upstream;
    this.#limits = limits;
    this.#counts = counts;
  }

  /** Rejects where the client is gone, or an answer breaks off of which a part was passed on. */
  async forward(request: http.IncomingMessage, response: http.ServerResponse, signal: AbortSignal): Promise<void> {
    const { method = "GET", url = "/" } = request;
    if (request.headers.upgrade !== undefined) {
      return refuse(response, 501, "NotImplemented", "connections cannot be upgraded through the retrying hop");
    }
    const payload = await collect(request, this.#limits.maxBodyBytes);
    if (payload.rest) {
      // Read to its end: a client that still writes would meet a closed connection before it reads why.
      await once(request.resume(), "end");
      return refuse(response, 413, "RequestEntityTooLarge", `a request may have ${this.#limits.maxBodyBytes} bytes`);
    }
    const started = performance.now();
    for (let attempt = 1, isFresh = !isRepeatable(method, url); ; attempt++) {
      const outcome = await this.#attempt(request, payload.body, isFresh, signal);
      const answer = "response" in outcome ? outcome.response : undefined;
      if (shouldRetry({ method, path: url, attempt, ...ending(outcome) })) {
        const pause = this.#limits.delay(attempt, answer?.headers["retry-after"]);
        if (performance.now() - started + pause < this.#limits.totalMillis) {
          this.#counts.retries += 1;
          // Where one connection broke, the others that are kept may lead to the same end.
          isFresh ||= answer === undefined;
          await sleep(pause, undefined, { signal });
          continue;
        }
        this.#counts.gaveUp += 1;
      }
      if (answer?.statusCode === 401) {
        this.#upstream.forget();
      }
      return "response" in outcome
        ? await passOn(outcome, response, signal)
        : refuse(response, 503, "ServiceUnavailable", `the API server did not answer: ${outcome.reason}`);
    }
  }

  /** Rejects only where `signal` was aborted. */
  async #attempt(
    request: http.IncomingMessage,
    payload: Buffer,
    isFresh: boolean,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { method = "GET", url = "/" } = request;
    const { server } = this.#upstream;
    try {
      const { kept, fresh, headers } = await this.#upstream.access();
      const sent = (server.protocol === "http:" ? http : https).request({
        // Not by `new URL(url, server)`: a path such as `//name/` would become another server's.
        hostname: server.hostname.replace(/^\[|\]$/g, ""),
        port: server.port,
        path: `${server.pathname.replace(/\/$/, "")}${url}`,
        method,
        agent: isFresh ? fresh : kept,
        signal,
        headers: {
          ...endToEnd(request.headers),
          ...headers,
          ...(payload.length > 0 || request.headers["content-length"] !== undefined
            ? { "content-length": String(payload.length) }
            : {}),
        },
      });
      const isEndless = isStream(url);
      if (!isEndless) {
        const patience = patienceMillis(method, url, this.#limits.silenceMillis);
        sent.setTimeout(patience, () =>
          sent.destroy(Object.assign(new Error(`nothing came for ${patience / 1000} s`), { code: "ETIMEDOUT" })),
        );
      }
      const response = await new Promise<http.IncomingMessage>((fulfil, reject) => {
        sent.on("response", fulfil).on("error", reject).end(payload);
      });
      if (isEndless && response.statusCode === 200) {
        return { response, body: Buffer.alloc(0), rest: true };
      }
      const collected = await collect(response, this.#limits.maxBodyBytes);
      if (collected.rest) {
        // From here on it is the client that sets the pace.
        sent.setTimeout(0);
      }
      return { response, ...collected };
    } catch (error) {
      signal.throwIfAborted();
      const reason = error as NodeJS.ErrnoException;
      return { failure: noAnswer(reason), reason: reason.message };
    }
  }
}

/** What decides whether it is tried again. */
function ending(outcome: Outcome): Pick<Attempt, "status" | "body" | "failure"> {
  if ("response" in outcome) {
    const { statusCode: status = 0 } = outcome.response;
    return { status, ...(status >= 400 ? { body: outcome.body.toString("latin1") } : {}) };
  }
  return outcome.failure === undefined ? {} : { failure: outcome.failure };
}

/** Reads a body up to the limit. `rest`: there is more, still to be read. */
async function collect(message: http.IncomingMessage, maxBytes: number): Promise<{ body: Buffer; rest: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxBytes) {
      return { body: Buffer.concat(chunks), rest: true };
    }
  }
  return { body: Buffer.concat(chunks), rest: false };
}

async function passOn(
  { response: answer, body, rest }: Extract<Outcome, { rest: boolean }>,
  response: http.ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
  if (!rest) {
    response.end(body);
    return;
  }
  // A watch may have nothing to tell for minutes, and its client waits for the headers.
  response.flushHeaders();
  if (body.length > 0) {
    response.write(body);
  }
  await pipeline(answer, response, { signal });
}

/** Those that concern one connection only (RFC 9110, 7.6.1), and those that each side sets itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade", "host", "authorization", "expect"],
]);

/** The headers that are for the other end. */
function endToEnd(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name)));
}

/** Answers as an API server would. */
function refuse(response: http.ServerResponse, code: number, reason: string, message: string): void {
  const body = JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  });
  response.writeHead(code, { "content-type": "application/json" }).end(body);
}
