import {
  IDLE_SECONDS,
  LOAD_PATH,
  RECENT_LOAD,
  RECENT_SECONDS,
  ROUTER_BUFFER_BYTES,
  ROUTER_CONNECTIONS,
  ROUTER_SPARE_CONNECTIONS,
} from "./defaults.ts";
import type { Route, RouterConfig, RouterLimits } from "./types.ts";

/** The proxies' names, as the metrics give them. */
const REQUESTS = "requests";
const VERSIONS = "versions";

/**
 * Seconds until a version that refused is tried again: HAProxy waits the shorter of one second and `timeout connect`.
 */
const TRY_SECONDS = 1;

/**
 * Every second try goes to the other version, at once. The one before goes to the same and is what waits. HAProxy
 * keeps to that only where it balances by a hash: in round robin it goes on at once after each refusal, and with
 * neither version answering uses up all tries in an instant.
 */
const REDISPATCH = 2;

/**
 * From one request to the next, in a cycle of 100 turns: prime to 100, so that each of 100 requests has a turn of its
 * own and those below a weight are exactly that many; near its golden section, so that they are spread evenly.
 */
const TURN = 61;

/**
 * The configuration of a router (HAProxy 2.6), a pure function of where requests may go. What it does with them:
 *
 * - They are divided by weight, exactly. A version that is slow keeps its share: its requests wait, for a canary must
 *   not get more than it was given. No version is checked: one none of whose servers is ready refuses connections,
 *   for its Service has no address behind it then.
 * - A refused request is tried again each second for `holdSeconds`, and at the other version too if there is one. So
 *   it is held while a version starts, and a canary that does not answer costs a second, not a request. One whose
 *   server broke off before it answered is sent again at once, if it fits into the buffer. These count as tries too:
 *   they bound how often a request that breaks every server it meets is sent.
 * - Each goes to the servers by a connection of its own: the cluster chooses the server when a connection is made, so
 *   a new server gets its share at once and one that leaves gets nothing more.
 * - SIGUSR1 ends it without a loss: it takes no new connections, answers what is under way, and closes a connection
 *   that a client keeps only with the answer to its next request, or when IDLE_SECONDS bring none.
 */
export function renderHaproxyConfig({ routes, limits, ports }: RouterConfig): string {
  return [
    ...section("global", globalLines(limits)),
    ...section("defaults", defaultLines(limits)),
    ...section("resolvers cluster", RESOLVER_LINES),
    ...section(`frontend ${REQUESTS}`, requestLines(limits, ports.http)),
    ...section(`backend ${VERSIONS}`, versionLines(routes, limits)),
    ...section("frontend metrics", metricsLines(ports.metrics)),
  ].join("\n");
}

/** Seconds from a request's arrival to its end, at most: queued, then held, then answered. */
export function longestRequestSeconds({ queueSeconds, holdSeconds, requestSeconds }: RouterLimits): number {
  return queueSeconds + holdSeconds + requestSeconds;
}

function globalLines(limits: RouterLimits): string[] {
  return [
    "log stdout len 4096 format raw local0 info",
    `maxconn ${ROUTER_CONNECTIONS + ROUTER_SPARE_CONNECTIONS}`,
    "nbthread 1",
    `tune.bufsize ${ROUTER_BUFFER_BYTES}`,
    "set-var proc.turn int(0)",
    `hard-stop-after ${longestRequestSeconds(limits)}s`,
  ];
}

function defaultLines(limits: RouterLimits): string[] {
  return [
    "mode http",
    "log global",
    // A client that has gone waits for nothing. Here, because it is the frontend that has to look.
    "option abortonclose",
    "timeout http-request 10s",
    `timeout http-keep-alive ${IDLE_SECONDS}s`,
    "timeout client 30s",
    `timeout connect ${TRY_SECONDS}s`,
    `timeout queue ${limits.queueSeconds}s`,
    `timeout server ${limits.requestSeconds}s`,
    ...ERRORS.map(
      ([status, error]) =>
        `http-error status ${status} content-type application/json string ${quoted(JSON.stringify({ error }))}`,
    ),
  ];
}

/**
 * Versions are found by name. One that is not there yet keeps nothing from starting, and an address once found is kept
 * while the cluster's DNS is away: a Service's address stays as long as the Service.
 */
const RESOLVER_LINES = [
  "parse-resolv-conf",
  "accepted_payload_size 4096",
  "resolve_retries 3",
  "timeout resolve 1s",
  "timeout retry 1s",
  "hold valid 10s",
  "hold nx 60s",
  "hold timeout 24h",
  "hold refused 24h",
  "hold other 24h",
];

function requestLines({ bodyBytes }: RouterLimits, port: number): string[] {
  return [
    `bind :${port}`,
    `maxconn ${ROUTER_CONNECTIONS}`,
    // Only what did not go as it should: the rest is in the metrics.
    "option dontlog-normal",
    "option dontlognull",
    `log-format ${quoted(LOG_FORMAT)}`,
    "option idle-close-on-response",
    // One row that counts every request.
    `stick-table type integer size 1 expire 1h store http_req_rate(${RECENT_SECONDS}s)`,
    "http-request track-sc0 int(1)",
    "http-request set-var(txn.path) path,json(utf8s)",
    `http-request deny deny_status 413 if { req.body_size gt ${bodyBytes} }`,
    `http-request set-var(proc.turn) var(proc.turn),add(${TURN}),mod(100)`,
    "http-request set-var(txn.turn) var(proc.turn)",
    `default_backend ${VERSIONS}`,
  ];
}

function versionLines(routes: readonly Route[], { concurrency, holdSeconds }: RouterLimits): string[] {
  return [
    "balance source",
    "hash-type consistent",
    ...shareLines(routes),
    "option http-server-close",
    `option redispatch ${REDISPATCH}`,
    `retries ${(holdSeconds / TRY_SECONDS) * (routes.length > 1 ? REDISPATCH : 1)}`,
    "retry-on conn-failure empty-response",
    ...routes.map(
      ({ server, version }) => `http-response set-header X-Millwright-Version ${version} if { srv_name ${server} }`,
    ),
    `default-server maxconn ${concurrency} resolvers cluster resolve-prefer ipv4 init-addr libc,none`,
    ...routes.map(({ server, address, weight }) => `server ${server} ${address} weight ${weight}`),
  ];
}

/** The turns of each version, one after the other. Where one's name is not found, the other has its turns too. */
function shareLines(routes: readonly Route[]): string[] {
  let turns = 0;
  return routes.map(({ server, weight }) => {
    turns += weight;
    return `use-server ${server} if { var(txn.turn) -m int lt ${turns} }`;
  });
}

/** Health says that the router works, not that a version does: to start it anew would help no version. */
function metricsLines(port: number): string[] {
  return [
    `bind :${port}`,
    "no log",
    "monitor-uri /healthz",
    "http-request use-service prometheus-exporter if { path /metrics }",
    ...loadLines(),
    "http-request return status 404",
  ];
}

/**
 * What servers are scaled by: requests under way, those that wait for a server too. The exporter tells the same, but
 * not whether there was a request just now, and by a single look every few seconds light traffic passes for none.
 */
function loadLines(): string[] {
  const answer = `http-request return status 200 content-type application/json`;
  const isAsked = `{ path ${LOAD_PATH} }`;
  const load = (requests: string) => quoted(`{"requests":${requests}}`);
  return [
    `${answer} lf-string ${load(`%[be_conn(${VERSIONS})]`)} if ${isAsked} { be_conn(${VERSIONS}) gt 0 }`,
    `${answer} string ${load(String(RECENT_LOAD))} if ${isAsked} { int(1),table_http_req_rate(${REQUESTS}) gt 0 }`,
    `${answer} string ${load("0")} if ${isAsked}`,
  ];
}

/**
 * One JSON object a line. `end` is HAProxy's code for how a request ended; times are in milliseconds, -1 if it ended
 * before.
 */
const LOG_FORMAT =
  '{"at":"%tr","client":"%ci","method":"%HM","path":"%[var(txn.path)]","server":"%s","status":%ST,"bytes":%B,' +
  '"tries":"%rc","end":"%ts","queued":%Tw,"connect":%Tc,"answer":%Tr,"total":%Ta}';

/** In the form of the Open Inference Protocol. */
const ERRORS = [
  [413, "the request is too large"],
  [502, "a server of the model broke off"],
  [503, "no server of the model is ready; try again later"],
  [504, "a server of the model took too long"],
] as const;

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`), ""];
}

/** HAProxy's strong quotes, between which nothing has a meaning: for texts without such a quote. */
function quoted(text: string): string {
  return `'${text}'`;
}
