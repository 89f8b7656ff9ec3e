import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROUTER_CONNECTIONS } from "../../../components/serving/defaults.ts";
import { renderEndpoint } from "../../../components/serving/render.ts";
import type { EndpointArgs, Route, RouterLimits } from "../../../components/serving/types.ts";
import { freePort } from "../../../scripts/lib/port.ts";
import { HAPROXY, Router, routeTo, Server, send, skipWithoutHaproxy } from "./haproxy.ts";
import { ARGS, CANARY_ARGS, FIRST_ARGS } from "./versions.ts";

/**
 * The router's configuration on a real HAProxy, with real HTTP servers behind it. It does not prove what a cluster
 * adds: Services, their names, the signals and waits of the kubelet. Skipped where there is no HAProxy.
 */
describe("router on HAProxy", function () {
  this.timeout(30_000);
  this.slow(10_000);

  const started: { close?: () => void; kill?: () => Promise<void> }[] = [];
  const keep = <T extends (typeof started)[number]>(each: T): T => {
    started.push(each);
    return each;
  };

  before(function () {
    skipWithoutHaproxy(this);
  });

  afterEach(async () => {
    for (const each of started.splice(0)) {
      each.close?.();
      await each.kill?.();
    }
  });

  const server = async (name: string) => keep(await Server.start(name));
  const router = async (routes: readonly Route[], limits?: Partial<RouterLimits>) =>
    keep(await Router.start(routes, limits));

  /** A stable version and a canary, each with one server. */
  async function pair(weight = 50, limits?: Partial<RouterLimits>) {
    const stable = await server("stable");
    const candidate = await server("candidate");
    const routes = [routeTo(stable.port, "stable", 100 - weight), routeTo(candidate.port, "candidate", weight)];
    return { stable, candidate, router: await router(routes, limits) };
  }

  for (const [what, args] of Object.entries<EndpointArgs>({
    "a stable version": ARGS,
    "a stable version and a canary": CANARY_ARGS,
    "a first version on trial": FIRST_ARGS,
  })) {
    it(`takes the configuration of ${what} without a complaint but of names that are not there yet`, () => {
      const folder = mkdtempSync(path.join(tmpdir(), "millwright-router-"));
      try {
        const file = path.join(folder, "haproxy.cfg");
        writeFileSync(file, renderEndpoint(args).router.config.data["haproxy.cfg"]);
        const complaints = execFileSync("sh", ["-c", '"$0" -c -f "$1" 2>&1', HAPROXY!, file], { encoding: "utf8" })
          .split("\n")
          .filter((line) => /ALERT|WARNING/.test(line) && !line.includes("could not resolve address"));
        assert.deepEqual(complaints, []);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it("divides requests by weight, and says which version answered", async () => {
    const { router, stable, candidate } = await pair(20);
    for (let count = 0; count < 100; count++) {
      const answer = await send(router.port);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["x-millwright-version"], `mail-triage-training-${answer.body}`);
    }
    assert.equal(stable.requests, 80);
    assert.equal(candidate.requests, 20);
  });

  it("divides requests by weight also for a client that keeps its connection", async () => {
    const { router, candidate } = await pair(1);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 200; count++) {
      await send(router.port, { agent });
    }
    agent.destroy();
    assert.equal(candidate.requests, 2);
  });

  it("spreads a version's requests over the others", async () => {
    const { router } = await pair(20);
    const answers: string[] = [];
    for (let count = 0; count < 100; count++) {
      answers.push((await send(router.port)).body);
    }
    const gaps = answers
      .join(" ")
      .split("candidate")
      .slice(1, -1)
      .map((gap) => gap.trim().split(" ").length);
    assert.ok(
      gaps.every((gap) => gap >= 2 && gap <= 7),
      gaps.join(" "),
    );
  });

  it("gives everything to the one version there is", async () => {
    const candidate = await server("candidate");
    const { port } = await router([routeTo(candidate.port, "candidate")]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(port)));
    assert.ok(answers.every(({ status, body }) => status === 200 && body === "candidate"));
  });

  it("connects anew for each request, so that the cluster chooses a server for each", async () => {
    const stable = await server("stable");
    const { port } = await router([routeTo(stable.port)]);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 5; count++) {
      await send(port, { agent });
    }
    agent.destroy();
    assert.equal(stable.connections, 5);
  });

  it("loses no request to a canary that refuses: the stable version answers a second later", async () => {
    const { router, stable, candidate } = await pair(50);
    candidate.close();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(router.port)));
    assert.ok(answers.every(({ status, body }) => status === 200 && body === "stable"));
    assert.equal(stable.requests, 20);
    assert.equal(answers.filter(({ milliseconds }) => milliseconds > 900).length, 10);
    assert.ok(answers.every(({ milliseconds }) => milliseconds < 2500));
    assert.equal(await router.counter("redispatch_warnings_total", "candidate"), 10);
  });

  it("holds requests while the only version has no server", async () => {
    const later = keep(await Server.reserve("stable"));
    const { port } = await router([routeTo(later.port)]);
    const waiting = Promise.all(Array.from({ length: 10 }, () => send(port)));
    await sleep(1500);
    await later.listen();
    const answers = await waiting;
    assert.ok(answers.every(({ status }) => status === 200));
    assert.ok(answers.every(({ milliseconds }) => milliseconds > 1400 && milliseconds < 3500));
  });

  it("holds requests while neither version has a server", async () => {
    const stable = keep(await Server.reserve("stable"));
    const { port } = await router([routeTo(stable.port, "stable", 80), routeTo(await freePort(), "candidate", 20)]);
    const waiting = Promise.all(Array.from({ length: 10 }, () => send(port)));
    await sleep(1500);
    await stable.listen();
    const answers = await waiting;
    assert.ok(answers.every(({ status, body }) => status === 200 && body === "stable"));
    assert.ok(answers.every(({ milliseconds }) => milliseconds > 1400 && milliseconds < 4500));
  });

  for (const versions of [1, 2]) {
    it(`holds no request longer than declared, with ${versions} version${versions === 1 ? "" : "s"}`, async () => {
      const routes = [routeTo(await freePort(), "stable", 50), routeTo(await freePort(), "candidate", 50)];
      const { port } = await router(routes.slice(0, versions), { holdSeconds: 2 });
      const answer = await send(port);
      assert.equal(answer.status, 503);
      assert.ok(answer.milliseconds > 1900 && answer.milliseconds < 3000, `after ${answer.milliseconds} ms`);
      assert.deepEqual(JSON.parse(answer.body), { error: "no server of the model is ready; try again later" });
    });
  }

  it("lets go of a client that no longer waits", async () => {
    const later = keep(await Server.reserve("stable"));
    const found = await router([routeTo(later.port)], { holdSeconds: 20, concurrency: 1 });
    const request = http.get({ host: "127.0.0.1", port: found.port }).on("error", () => {});
    await sleep(200);
    request.destroy();
    await sleep(100);
    await later.listen();
    assert.equal((await send(found.port)).status, 200);
    await sleep(1500);
    assert.equal(later.requests, 1);
  });

  it("sends a request again whose server broke off before it answered", async () => {
    const stable = await server("stable");
    stable.handler = (request, response) => {
      stable.requests === 1 ? request.socket.destroy() : response.end("stable");
    };
    const found = await router([routeTo(stable.port)]);
    const answer = await send(found.port, { body: "x".repeat(20_000) });
    assert.equal(answer.status, 200);
    assert.equal(stable.requests, 2);
    assert.ok((await found.counter("retry_warnings_total", "stable")) > 0);
    assert.equal(await found.counter("response_errors_total", "stable"), 0);
  });

  it("gives a version as many requests at a time as declared, and its whole share however slow it is", async () => {
    const { router: found, stable } = await pair(50, { concurrency: 2 });
    stable.handler = (_request, response) => {
      setTimeout(() => response.end("stable"), 100);
    };
    const answers = await Promise.all(Array.from({ length: 24 }, () => send(found.port)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(stable.requests, 12);
    assert.equal(stable.mostAtOnce, 2);
  });

  it("gives up a request that waited too long for its turn, and one that took too long", async () => {
    const stable = await server("stable");
    stable.handler = () => {};
    const found = await router([routeTo(stable.port)], { concurrency: 1, queueSeconds: 1, requestSeconds: 2 });
    const [first, second] = await Promise.all([send(found.port), sleep(100).then(() => send(found.port))]);
    assert.equal(first.status, 504);
    assert.equal(second?.status, 503);
    assert.equal(await found.counter("response_errors_total", "stable"), 1);
  });

  it("refuses a body that is too large, in the protocol's form", async () => {
    const { router: found, stable } = await pair(50, { bodyBytes: 1000 });
    const answer = await send(found.port, { body: "x".repeat(1001) });
    assert.equal(answer.status, 413);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(answer.body), { error: "the request is too large" });
    assert.equal((await send(found.port, { body: "x".repeat(1000) })).status, 200);
    assert.ok(stable.requests <= 1);
  });

  it("counts answers by version and status, as the judge of a rollout reads them", async () => {
    const { router: found, candidate } = await pair(50);
    candidate.handler = (_request, response) => {
      response.statusCode = candidate.requests <= 3 ? 500 : 200;
      response.end();
    };
    for (let count = 0; count < 20; count++) {
      await send(found.port);
    }
    assert.equal(await found.counter("http_responses_total", "candidate", "5xx"), 3);
    assert.equal(await found.counter("http_responses_total", "candidate", "2xx"), 7);
    assert.equal(await found.counter("http_responses_total", "stable", "5xx"), 0);
    assert.equal(await found.counter("http_responses_total", "stable", "2xx"), 10);
    assert.equal(await found.counter("connection_errors_total", "candidate"), 0);
  });

  it("is healthy, and starts, while a version's name is not there: the other one answers", async () => {
    const stable = await server("stable");
    const absent: Route = { ...routeTo(0, "candidate", 50), address: "absent.models.svc.invalid:8080" };
    const found = await router([routeTo(stable.port, "stable", 50), absent]);
    assert.equal(await found.isHealthy(), true);
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(found.port)));
    assert.ok(answers.every(({ status, body }) => status === 200 && body === "stable"));
  });

  it("is healthy while it has all the clients it takes", async () => {
    const stable = await server("stable");
    const found = await router([routeTo(stable.port)]);
    const clients = Array.from({ length: ROUTER_CONNECTIONS + 100 }, () =>
      connect(found.port, "127.0.0.1").on("error", () => {}),
    );
    keep({ close: () => clients.forEach((client) => void client.destroy()) });
    await Promise.all(clients.map((client) => once(client, "connect")));
    await sleep(200);
    assert.equal(await found.isHealthy(), true);
  });

  it("logs what went wrong, a JSON object a line, and nothing else", async () => {
    const { router: found, candidate } = await pair(50);
    candidate.handler = (_request, response) => {
      response.statusCode = 500;
      response.end();
    };
    await send(found.port, { path: '/v2/models/a"b\\c/infer' });
    await send(found.port, { path: '/v2/models/a"b\\c/infer' });
    await sleep(100);
    const lines = found.output.split("\n").filter((line) => line.startsWith("{"));
    assert.equal(lines.length, 1, found.output);
    const { server: name, status, path: logged } = JSON.parse(lines[0]!);
    assert.deepEqual({ name, status, logged }, { name: "candidate", status: 500, logged: '/v2/models/a"b\\c/infer' });
  });

  it("answers on a soft stop what is under way, and the next request of a connection that is kept", async () => {
    const { router: found, stable, candidate } = await pair(50);
    for (const each of [stable, candidate]) {
      each.handler = (request, response) => {
        setTimeout(() => response.end(each.name), request.url === "/slow" ? 800 : 0);
      };
    }
    const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
    assert.notEqual((await send(found.port, { agent: kept })).headers.connection, "close");
    const underWay = send(found.port, { path: "/slow" });
    await sleep(200);
    found.softStop();
    await sleep(300);
    await assert.rejects(send(found.port), "it takes new connections");
    const last = await send(found.port, { agent: kept });
    assert.deepEqual([last.status, last.headers.connection], [200, "close"]);
    assert.equal((await underWay).status, 200);
    kept.destroy();
    assert.equal(await found.ended(), 0);
  });

  it("loses no request under load when its successor takes over", async () => {
    const { router: old, stable, candidate } = await pair(20);
    const next = await router([routeTo(stable.port, "stable", 50), routeTo(candidate.port, "candidate", 50)]);
    let current = old;
    let failures = 0;
    const answered = new Map<Router, number>();
    const isOver = sleep(2000).then(() => true);

    // Like the Service: new connections go to the successor, those there are stay where they are.
    const client = async () => {
      let at = current;
      let agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      while (!(await Promise.race([isOver, false]))) {
        try {
          const { status, headers } = await send(at.port, { agent, body: "x".repeat(5000) });
          failures += status === 200 ? 0 : 1;
          answered.set(at, (answered.get(at) ?? 0) + 1);
          if (headers.connection === "close") {
            agent.destroy();
            agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
            at = current;
          }
        } catch {
          failures++;
        }
      }
      agent.destroy();
    };
    const clients = Array.from({ length: 8 }, client);
    await sleep(700);
    current = next;
    await sleep(100);
    old.softStop();
    await Promise.all(clients);

    assert.equal(failures, 0);
    assert.ok((answered.get(old) ?? 0) > 50 && (answered.get(next) ?? 0) > 50, [...answered.values()].join(", "));
    assert.equal(await old.ended(), 0);
  });
});
