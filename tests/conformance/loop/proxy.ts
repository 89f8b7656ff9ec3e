import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { ClientIdentity } from "../../../scripts/cluster/http.ts";

/** When a hook is told of a write: it has been done and its answer is still here, or its answer has left. */
export type Moment = "applied" | "answered";

/** What goes wrong with a request: a status instead of an answer, or what happens to its connection. */
export type FaultKind =
  /** The status is answered, and the server is not asked. */
  | 409
  | 429
  | 500
  | 503
  /** The connection is reset before the server is asked. */
  | "reset"
  /** The server does what is asked, and the connection is reset instead of the answer. */
  | "lost"
  /** Nothing happens for some seconds, then all is well. */
  | "silent";

export interface Faults {
  readonly kind: FaultKind;
  /** Share of the requests, 0 to 1. */
  readonly rate: number;
  readonly seed: number;
  /** Whether requests that only read are struck too. @default false */
  readonly reads?: boolean;
  /** For "silent". @default 30 */
  readonly seconds?: number;
  /** How many requests are struck at most. @default all */
  readonly most?: number;
}

export interface FaultProxy {
  readonly url: string;
  /** Writes done since the proxy was started or `forget` was called, in the order of their answers: `PATCH /api/…`. */
  readonly writes: readonly string[];
  /** How many requests were struck since then. */
  readonly struck: number;
  forget(): void;
  /** Undefined: nothing goes wrong from now on. */
  setFaults(faults: Faults | undefined): void;
  /** Denies that the group exists, in its own discovery and in the aggregated one. Undefined: tells the truth again. */
  hideGroup(group: string | undefined): void;
  /** Called with the number of each write, from 1. */
  onWrite(hook: ((count: number, moment: Moment) => void) | undefined): void;
  /** Refuses connections for some seconds, and cuts those there are. */
  goAway(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** The reviews are questions asked by POST. */
const QUESTION = /^\/apis\/(authorization|authentication)\.k8s\.io\//;

/**
 * A reverse proxy in front of an API server that counts what is written and lies on demand. Plain HTTP towards the client, who
 * is the administrator whoever it is: on the loopback device, for tests.
 */
export async function startProxy(server: string, identity: ClientIdentity): Promise<FaultProxy> {
  const upstream = new URL(server);
  const agent = new https.Agent({ keepAlive: true, ...identity });
  const sockets = new Set<Socket>();
  let writes: string[] = [];
  let struck = 0;
  let faults: Faults | undefined;
  let random = seeded(0);
  let hidden: string | undefined;
  let hook: ((count: number, moment: Moment) => void) | undefined;

  const fault = (isWrite: boolean): Faults | undefined => {
    if (faults === undefined || !(isWrite || faults.reads === true)) return undefined;
    if (struck >= (faults.most ?? Number.POSITIVE_INFINITY) || random() >= faults.rate) return undefined;
    struck += 1;
    return faults;
  };

  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", upstream);
    const isWrite = writesObjects(request.method ?? "GET", url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const strike = fault(isWrite);
    if (typeof strike?.kind === "number") return answerStatus(response, strike.kind);
    if (strike?.kind === "reset") return void request.socket.resetAndDestroy();
    if (strike?.kind === "silent") await new Promise((done) => setTimeout(done, (strike.seconds ?? 30) * 1000));
    if (hidden !== undefined && url.pathname.startsWith(`/apis/${hidden}`) && !url.pathname.includes("/namespaces/")) {
      return answerStatus(response, 404);
    }
    const lies = hidden !== undefined && url.pathname === "/apis";
    const options: https.RequestOptions = {
      host: upstream.hostname,
      port: upstream.port,
      path: request.url,
      method: request.method,
      headers: { ...request.headers, host: upstream.host, ...(lies ? { "accept-encoding": "identity" } : {}) },
      agent,
    };
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const asked = https.request(options, resolve).once("error", reject);
      // A watch whose client has gone would hold its connection for minutes.
      response.once("close", () => asked.destroy());
      asked.end(Buffer.concat(chunks));
    });
    const done = isWrite && (answer.statusCode ?? 500) < 300;
    const count = done ? writes.push(`${request.method} ${url.pathname}`) : 0;
    if (done) hook?.(count, "applied");
    if (strike?.kind === "lost") return void request.socket.resetAndDestroy();
    if (lies) return answerWithout(hidden ?? "", answer, response);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    if (done) response.once("finish", () => hook?.(count, "answered"));
  };

  const listener = http.createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // A watch is silent for as long as nothing happens.
  listener.requestTimeout = 0;
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => listener.once("error", reject).listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      listener.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = listener.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    get writes() {
      return writes;
    },
    get struck() {
      return struck;
    },
    forget: () => {
      writes = [];
      struck = 0;
    },
    setFaults: (next) => {
      faults = next;
      random = seeded(next?.seed ?? 0);
    },
    hideGroup: (group) => {
      hidden = group;
    },
    onWrite: (next) => {
      hook = next;
    },
    goAway: async (seconds) => {
      await close();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      await listen(port);
    },
    stop: async () => {
      await close();
      agent.destroy();
    },
  };
}

function writesObjects(method: string, url: URL): boolean {
  return (
    !["GET", "HEAD", "OPTIONS"].includes(method) && !url.searchParams.has("dryRun") && !QUESTION.test(url.pathname)
  );
}

const REASONS: Readonly<Record<number, string>> = {
  404: "NotFound",
  409: "Conflict",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
};

/** As the API server words them (apimachinery's errors): it is by these that a user, and the loop, tell one from another. */
const MESSAGES: Readonly<Record<number, string>> = {
  409: "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
  429: "the server has received too many requests and has asked us to try again later",
  500: "Internal error occurred: by the proxy",
  503: "the server is currently unable to handle the request",
};

function answerStatus(response: http.ServerResponse, code: number): void {
  const body = {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    message: MESSAGES[code] ?? "by the proxy",
    reason: REASONS[code],
    code,
  };
  const wait = code === 429 ? { "retry-after": "1" } : {};
  response.writeHead(code, { "content-type": "application/json", ...wait }).end(JSON.stringify(body));
}

/** The list of groups without one of them: `groups` in the plain one, `items` in the aggregated one. */
async function answerWithout(
  group: string,
  answer: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const list = JSON.parse(Buffer.concat(chunks).toString()) as {
    groups?: { name: string }[];
    items?: { metadata: { name: string } }[];
  };
  const kept = {
    ...list,
    ...(list.groups && { groups: list.groups.filter(({ name }) => name !== group) }),
    ...(list.items && { items: list.items.filter(({ metadata }) => metadata.name !== group) }),
  };
  // A tag of what the server said would let the client keep the lie for ever.
  const { "content-length": _length, etag: _tag, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, headers).end(JSON.stringify(kept));
}

/** mulberry32: small, and the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
