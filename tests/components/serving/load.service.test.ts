import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../scripts/lib/port.ts";
import { Router, routeTo, Server, send, skipWithoutHaproxy } from "./haproxy.ts";

/**
 * What servers are scaled by, told by a real HAProxy with real HTTP servers behind it. It does not prove that KEDA
 * reads it, nor what a HorizontalPodAutoscaler makes of it. Skipped where there is no HAProxy.
 */
describe("the router's load", function () {
  this.timeout(40_000);
  this.slow(25_000);

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

  it("is nothing before the first request, whoever looks at it", async () => {
    const router = keep(await Router.start([routeTo(await freePort())]));
    assert.equal(await router.load(), 0);
    assert.equal(await router.load(), 0);
  });

  it("is the requests under way, those that wait for their turn too", async () => {
    const server = keep(await Server.start("stable"));
    const waiting: (() => void)[] = [];
    server.handler = (_request, response) => {
      waiting.push(() => response.end());
    };
    const router = keep(await Router.start([routeTo(server.port)], { concurrency: 2 }));
    const answers = Promise.all(Array.from({ length: 5 }, () => send(router.port)));
    await sleep(500);
    assert.equal(waiting.length, 2, "the server has two of them");
    assert.equal(await router.load(), 5);
    server.handler = (_request, response) => response.end();
    for (const answer of waiting) {
      answer();
    }
    assert.ok((await answers).every(({ status }) => status === 200));
  });

  it("is the requests that are held while there is no server, more than a version is given at a time too", async () => {
    const later = keep(await Server.reserve("stable"));
    const router = keep(await Router.start([routeTo(later.port)], { concurrency: 2 }));
    const answers = Promise.all(Array.from({ length: 5 }, () => send(router.port)));
    for (const wait of [300, 700, 700]) {
      await sleep(wait);
      assert.equal(await router.load(), 5);
    }
    await later.listen();
    assert.ok((await answers).every(({ status }) => status === 200));
  });

  it("is the requests of both versions", async () => {
    const [stable, candidate] = [keep(await Server.reserve("stable")), keep(await Server.reserve("candidate"))];
    const routes = [routeTo(stable.port, "stable", 80), routeTo(candidate.port, "candidate", 20)];
    const router = keep(await Router.start(routes));
    const answers = Promise.all(Array.from({ length: 5 }, () => send(router.port)));
    await sleep(300);
    assert.equal(await router.load(), 5);
    await Promise.all([stable.listen(), candidate.listen()]);
    await answers;
  });

  it("does not forget at once a request that came and went between two looks", async () => {
    const server = keep(await Server.start("stable"));
    const router = keep(await Router.start([routeTo(server.port)]));
    await send(router.port);
    for (let second = 0; second < 9; second++) {
      assert.equal(await router.load(), 0.001, `after ${second} s`);
      await sleep(1000);
    }
    await sleep(13_000);
    assert.equal(await router.load(), 0);
  });
});
