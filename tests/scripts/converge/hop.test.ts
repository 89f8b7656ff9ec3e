// Does not prove what client-go makes of it, nor login commands and proxies of the user's kubeconfig.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loopbackCertificate } from "../../../scripts/converge/hop/certificate.ts";
import { type Hop, type HopLimits, openHop } from "../../../scripts/converge/hop.ts";

const PATH = "/api/v1/namespaces/mill/configmaps/a";
const LIMITS: HopLimits = {
  silenceMillis: 200,
  totalMillis: 1500,
  maxBodyBytes: 100_000,
  delay: (_, after) => Number(after ?? 0) * 50 + 10,
};

type Script = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** An API server that answers each request with the next of its scripts, and then with the last for ever. */
class Server {
  readonly seen: { method: string; url: string; body: string; headers: http.IncomingHttpHeaders }[] = [];
  readonly #server: https.Server;
  #scripts: Script[] = [];

  constructor({ key, certificate }: ReturnType<typeof loopbackCertificate>) {
    this.#server = https.createServer({ key, cert: certificate });
    this.#server.on("request", (request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += String(chunk);
      });
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        this.seen.push({ method, url, body, headers });
        const script = this.#scripts.length > 1 ? this.#scripts.shift() : this.#scripts[0];
        script?.(request, response, body);
      });
    });
  }

  play(...scripts: Script[]): void {
    this.#scripts = scripts;
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

const answer =
  (status: number, body = "{}", headers: http.OutgoingHttpHeaders = {}): Script =>
  (_, response) =>
    response.writeHead(status, headers).end(body);
const reset: Script = (request) => request.socket.destroy();
const silence: Script = () => {};
const times = (count: number, script: Script) => Array.from({ length: count }, () => script);
const status409 = (reason: string) => JSON.stringify({ kind: "Status", code: 409, details: { causes: [{ reason }] } });

describe("retrying hop", () => {
  let folder: string;
  let server: Server;
  let port: number;
  let hop: Hop;

  const open = (limits: Partial<HopLimits> = {}, context = "staging") =>
    openHop({ kubeconfig: join(folder, "config"), context, limits: { ...LIMITS, ...limits } });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "millwright-hop-test-"));
    const pair = loopbackCertificate();
    server = new Server(pair);
    port = await server.listen();
    writeFileSync(join(folder, "ca.crt"), pair.certificate);
    writeFileSync(
      join(folder, "config"),
      JSON.stringify({
        "current-context": "another",
        contexts: [
          { name: "another", context: { cluster: "none", user: "none" } },
          { name: "staging", context: { cluster: "c1", user: "u1", namespace: "mill" } },
        ],
        clusters: [{ name: "c1", cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority": "ca.crt" } }],
        users: [{ name: "u1", user: { token: "the-users-own", "as-groups": ["trainers"], as: "anna" } }],
      }),
    );
    hop = await open();
  });

  afterEach(async () => {
    await hop.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  function generated() {
    const { clusters, users, contexts } = JSON.parse(readFileSync(hop.kubeconfig, "utf8"));
    const { server: url, "certificate-authority-data": ca } = clusters[0].cluster;
    return { url: url as string, ca: Buffer.from(ca, "base64"), user: users[0].user, clusters, users, contexts };
  }

  function send(
    method: string,
    path: string,
    { body, headers = {}, token }: { body?: string; headers?: http.OutgoingHttpHeaders; token?: string } = {},
  ): http.ClientRequest {
    const { url, ca, user } = generated();
    const request = https.request(new URL(path, url), {
      method,
      ca,
      agent: false,
      headers: {
        authorization: `Bearer ${token ?? user.token}`,
        ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
        ...headers,
      },
    });
    request.end(body);
    return request;
  }

  async function ask(...args: Parameters<typeof send>): Promise<Answer> {
    const [response] = (await once(send(...args), "response")) as [http.IncomingMessage];
    let body = "";
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode ?? 0, body, headers: response.headers };
  }

  it("is a file for its owner alone, under the names of the original", () => {
    const { contexts, clusters, users, url, user } = generated();
    assert.equal(statSync(hop.kubeconfig).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(hop.kubeconfig)).mode & 0o777, 0o700);
    assert.deepEqual(contexts, [{ name: "staging", context: { cluster: "c1", user: "u1", namespace: "mill" } }]);
    assert.deepEqual([clusters[0].name, users[0].name], ["c1", "u1"]);
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.notEqual(user.token, "the-users-own");
    assert.deepEqual([user.as, user["as-groups"]], ["anna", ["trainers"]]);
  });

  it("forwards a request as the user, without what concerns one connection", async () => {
    server.play(answer(201, '{"a":1}', { "x-kubernetes-pf": "p", connection: "close" }));
    const headers = { "accept-encoding": "gzip", connection: "keep-alive, x-drop", "x-drop": "1", te: "trailers" };
    const { status, body, headers: got } = await ask("PATCH", `${PATH}?force=true`, { body: "{}", headers });
    assert.deepEqual([status, body, got["x-kubernetes-pf"]], [201, '{"a":1}', "p"]);
    const [seen] = server.seen;
    assert.deepEqual([seen?.method, seen?.url, seen?.body], ["PATCH", `${PATH}?force=true`, "{}"]);
    assert.equal(seen?.headers.authorization, "Bearer the-users-own");
    assert.equal(seen?.headers["accept-encoding"], "gzip");
    assert.equal(seen?.headers.host, `127.0.0.1:${port}`);
    assert.deepEqual([seen?.headers["x-drop"], seen?.headers.te], [undefined, undefined]);
  });

  it("lets nobody in without its token, the user's own included", async () => {
    server.play(answer(200));
    for (const token of ["", "the-users-own", `${generated().user.token}x`]) {
      assert.equal((await ask("GET", PATH, { token })).status, 401);
    }
    assert.deepEqual([server.seen.length, hop.counts.requests], [0, 0]);
  });

  it("refuses to upgrade", async () => {
    const { status } = await ask("GET", PATH, { headers: { connection: "upgrade", upgrade: "websocket" } });
    assert.deepEqual([status, server.seen.length], [501, 0]);
  });

  it("keeps a path that looks like another server's on the API server", async () => {
    server.play(answer(200));
    const { url, ca, user } = generated();
    const request = https.request(url, {
      ca,
      agent: false,
      path: "//elsewhere.invalid/api",
      headers: { authorization: `Bearer ${user.token}` },
    });
    const [response] = await once(request.end(), "response");
    response.resume();
    assert.deepEqual([response.statusCode, server.seen[0]?.url], [200, "//elsewhere.invalid/api"]);
  });

  const conflict = status409("FieldManagerConflict");
  const table: [string, Script[], "GET" | "PATCH" | "PUT" | "POST" | "DELETE", { status: number; seen: number }][] = [
    ["500 three times", [...times(3, answer(500)), answer(200)], "PATCH", { status: 200, seen: 4 }],
    ["500 for good", [answer(500)], "PATCH", { status: 500, seen: 8 }],
    ["a reset", [reset, reset, answer(200)], "PATCH", { status: 200, seen: 3 }],
    ["silence", [silence, answer(200)], "GET", { status: 200, seen: 2 }],
    [
      "an answer that breaks off",
      [
        (_, response) => response.writeHead(200, { "content-length": 10 }).write("{", () => response.destroy()),
        answer(200),
      ],
      "GET",
      { status: 200, seen: 2 },
    ],
    ["409, modified", [answer(409, status409("")), answer(200)], "PUT", { status: 200, seen: 2 }],
    ["409, field managers", [answer(409, conflict)], "PATCH", { status: 409, seen: 1 }],
    ["a reset, then 404", [reset, answer(404)], "DELETE", { status: 404, seen: 2 }],
    ["a reset of a POST", [reset, answer(201)], "POST", { status: 503, seen: 1 }],
    ["500 of a POST", [answer(500), answer(201)], "POST", { status: 500, seen: 1 }],
    ["503 of a POST", [answer(503), answer(201)], "POST", { status: 201, seen: 2 }],
    ["403", [answer(403)], "GET", { status: 403, seen: 1 }],
  ];
  for (const [what, scripts, method, expected] of table) {
    it(`answers ${method} with ${expected.status} where there was ${what}`, async () => {
      server.play(...scripts);
      const { status } = await ask(method, PATH, method === "GET" ? {} : { body: '{"same":true}' });
      assert.deepEqual({ status, seen: server.seen.length }, expected);
      assert.equal(hop.counts.retries, expected.seen - 1);
      assert.equal(new Set(server.seen.map(({ body }) => body)).size, 1, "each time the same body");
    });
  }

  it("waits as long as Retry-After says", async () => {
    server.play(answer(429, "{}", { "retry-after": "4" }), answer(200));
    const started = performance.now();
    assert.equal((await ask("GET", PATH)).status, 200);
    assert.ok(performance.now() - started >= 200);
  });

  it("outlasts a server that is away, also for a POST", async () => {
    await server.stop();
    const asked = Promise.all([ask("GET", PATH), ask("POST", PATH, { body: "{}" })]);
    await new Promise((done) => setTimeout(done, 200));
    server.play(answer(200));
    await server.listen(port);
    assert.deepEqual(
      (await asked).map(({ status }) => status),
      [200, 200],
    );
    assert.ok(hop.counts.retries > 4);
  });

  it("gives up after its time, with a Status or the last answer", async () => {
    const hurried = await open({ totalMillis: 100 });
    await hop.close();
    hop = hurried;
    server.play(answer(503, "away", { "x-own": "1" }));
    const last = await ask("GET", PATH);
    assert.deepEqual([last.status, last.body, last.headers["x-own"]], [503, "away", "1"]);
    await server.stop();
    const { status, body } = await ask("GET", PATH);
    const { kind, code, reason, message } = JSON.parse(body);
    assert.deepEqual([status, kind, code, reason], [503, "Status", 503, "ServiceUnavailable"]);
    assert.match(message, /ECONNREFUSED/);
    assert.equal(hop.counts.gaveUp, 2);
    await server.listen(port);
  });

  it("passes a watch on as it comes, however long it is silent, and never begins it anew", async () => {
    let stream: http.ServerResponse | undefined;
    server.play(answer(500), (_, response) => {
      stream = response;
      response.writeHead(200).flushHeaders();
    });
    const [response] = (await once(send("GET", `${PATH}?watch=true`), "response")) as [http.IncomingMessage];
    const next = async () => String((await once(response, "data"))[0]);
    stream?.write("one\n");
    assert.equal(await next(), "one\n");
    await new Promise((done) => setTimeout(done, LIMITS.silenceMillis * 1.5));
    stream?.write("two\n");
    assert.equal(await next(), "two\n");
    const broken = once(response, "error");
    stream?.destroy();
    await broken;
    assert.equal(server.seen.length, 2);
  });

  it("passes on an answer that is larger than what it keeps, as fast as its client reads", async () => {
    const large = "x".repeat(8_000_000);
    server.play(answer(200, large));
    const [response] = (await once(send("GET", PATH), "response")) as [http.IncomingMessage];
    await new Promise((done) => setTimeout(done, LIMITS.silenceMillis * 1.5));
    let size = 0;
    for await (const chunk of response) size += chunk.length;
    assert.equal(size, large.length);
  });

  it("refuses a request that is larger than what it keeps", async () => {
    const { status } = await ask("PATCH", PATH, { body: "x".repeat(8_000_000) });
    assert.deepEqual([status, server.seen.length], [413, 0]);
  });

  it("stops asking when its client is gone", async () => {
    server.play(answer(503));
    const request = send("GET", PATH);
    request.on("error", () => {});
    await new Promise((done) => setTimeout(done, 100));
    request.destroy();
    await new Promise((done) => setTimeout(done, 50));
    const asked = server.seen.length;
    await new Promise((done) => setTimeout(done, 100));
    assert.ok(asked > 0);
    assert.equal(server.seen.length, asked);
  });

  it("leaves nothing behind, with a request and a watch under way", async () => {
    server.play(silence);
    const failed = [PATH, `${PATH}?watch=true`].map((path) => once(send("GET", path), "response").catch(() => "ended"));
    await new Promise((done) => setTimeout(done, 50));
    const { kubeconfig } = hop;
    await hop.close();
    assert.deepEqual(await Promise.all(failed), ["ended", "ended"]);
    assert.equal(existsSync(dirname(kubeconfig)), false);
  });

  it("is not opened on a context that is not there, or that names no cluster", async () => {
    await assert.rejects(open({}, "production"), /no context production/);
    await assert.rejects(open({}, "another"), /no context another with a cluster/);
  });
});
