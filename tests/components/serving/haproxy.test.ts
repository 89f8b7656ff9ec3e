import assert from "node:assert/strict";
import fc from "fast-check";
import { longestRequestSeconds, renderHaproxyConfig } from "../../../components/serving/haproxy.ts";
import { routesOf } from "../../../components/serving/render.ts";
import type { EndpointArgs } from "../../../components/serving/types.ts";
import { LIMITS } from "./haproxy.ts";
import { ARGS, CANARY_ARGS, FIRST_ARGS, LATER, PROMOTED_ARGS } from "./versions.ts";

/**
 * The text of the router's configuration. That HAProxy takes it, and does what it should, is in
 * router.service.test.ts.
 */

const STABLE = ARGS.stable!.version;
const CANDIDATE = LATER.version;

/** The trimmed lines of one section. */
function section(args: EndpointArgs, title: string, limits = LIMITS): string[] {
  const config = renderHaproxyConfig({ routes: routesOf(args), limits, ports: { http: 8080, metrics: 8404 } });
  const found = config.split("\n\n").filter((text) => text.startsWith(`${title}\n`));
  assert.equal(found.length, 1, `${found.length} sections ${title}`);
  return found[0]!
    .split("\n")
    .slice(1)
    .map((line) => line.trim());
}

const startingWith = (lines: readonly string[], word: string) => lines.filter((line) => line.startsWith(`${word} `));

describe("routes", () => {
  for (const [what, args, expected] of [
    ["one stable version", ARGS, [["stable", STABLE, 100]]],
    [
      "a stable version and a canary",
      CANARY_ARGS,
      [
        ["stable", STABLE, 80],
        ["candidate", CANDIDATE, 20],
      ],
    ],
    ["a canary that was promoted", PROMOTED_ARGS, [["stable", CANDIDATE, 100]]],
    ["a first version on trial", FIRST_ARGS, [["candidate", STABLE, 100]]],
    [
      "a first version on trial, whatever its weight",
      { ...FIRST_ARGS, canary: { ...FIRST_ARGS.canary!, weight: 20 } },
      [["candidate", STABLE, 100]],
    ],
  ] satisfies [string, EndpointArgs, unknown][]) {
    it(`lead to ${what}`, () => {
      assert.deepEqual(
        routesOf(args).map(({ server, version, weight }) => [server, version, weight]),
        expected,
      );
    });
  }

  it("find each version by its Service", () => {
    assert.deepEqual(
      routesOf(CANARY_ARGS).map(({ address }) => address),
      [`${STABLE}.models.svc.cluster.local:8080`, `${CANDIDATE}.models.svc.cluster.local:8080`],
    );
  });
});

describe("router configuration", () => {
  it("has a server a version, looked up by name and not needed to start", () => {
    const lines = section(CANARY_ARGS, "backend versions");
    assert.deepEqual(startingWith(lines, "server"), [
      `server stable ${STABLE}.models.svc.cluster.local:8080 weight 80`,
      `server candidate ${CANDIDATE}.models.svc.cluster.local:8080 weight 20`,
    ]);
    assert.match(startingWith(lines, "default-server")[0]!, / resolvers cluster .*init-addr libc,none$/);
    assert.ok(section(CANARY_ARGS, "resolvers cluster").includes("parse-resolv-conf"));
  });

  it("names the version in the answer of each server", () => {
    assert.deepEqual(startingWith(section(CANARY_ARGS, "backend versions"), "http-response"), [
      `http-response set-header X-Millwright-Version ${STABLE} if { srv_name stable }`,
      `http-response set-header X-Millwright-Version ${CANDIDATE} if { srv_name candidate }`,
    ]);
  });

  it("shares 100 turns by weight, whatever the weight", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), (weight) => {
        const args = { ...CANARY_ARGS, canary: { ...CANARY_ARGS.canary!, weight } };
        const bounds = startingWith(section(args, "backend versions"), "use-server").map((line) =>
          /^use-server (\w+) if \{ var\(txn\.turn\) -m int lt (\d+) \}$/.exec(line)?.slice(1),
        );
        assert.deepEqual(bounds, [
          ["stable", String(100 - weight)],
          ["candidate", "100"],
        ]);
      }),
    );
  });

  it("takes every one of 100 turns before it takes one again", () => {
    const [rule] = section(ARGS, "frontend requests").filter((line) => line.includes("proc.turn),add"));
    const step = Number(/add\((\d+)\),mod\(100\)/.exec(rule!)?.[1]);
    assert.equal(new Set(Array.from({ length: 100 }, (_, index) => (index * step) % 100)).size, 100);
  });

  it("tries again for as long as it should hold a request", () => {
    const retries = (args: EndpointArgs) =>
      startingWith(section(args, "backend versions", { ...LIMITS, holdSeconds: 7 }), "retries");
    assert.deepEqual(retries(ARGS), ["retries 7"]);
    // Every second try follows the one before at once.
    assert.deepEqual(retries(CANARY_ARGS), ["retries 14"]);
    assert.ok(section(ARGS, "backend versions").includes("retry-on conn-failure empty-response"));
    assert.ok(section(ARGS, "backend versions").includes("option redispatch 2"));
  });

  it("keeps the limits it is given", () => {
    const limits = { concurrency: 3, bodyBytes: 4, holdSeconds: 5, queueSeconds: 6, requestSeconds: 7 };
    assert.match(startingWith(section(ARGS, "backend versions", limits), "default-server")[0]!, / maxconn 3 /);
    assert.ok(section(ARGS, "frontend requests", limits).some((line) => /deny_status 413 if .* gt 4 \}/.test(line)));
    const defaults = section(ARGS, "defaults", limits);
    assert.ok(defaults.includes("timeout queue 6s") && defaults.includes("timeout server 7s"));
    assert.ok(section(ARGS, "global", limits).includes("hard-stop-after 18s"));
    assert.equal(longestRequestSeconds(limits), 18);
  });

  it("answers for its own health and gives its metrics beside the requests, not among them", () => {
    const metrics = section(ARGS, "frontend metrics");
    assert.ok(metrics.includes("bind :8404") && metrics.includes("monitor-uri /healthz"));
    assert.ok(metrics.includes("http-request use-service prometheus-exporter if { path /metrics }"));
    assert.ok(section(ARGS, "frontend requests").includes("bind :8080"));
  });

  it("says the same of the same versions, and something else of other weights", () => {
    const text = (args: EndpointArgs) =>
      renderHaproxyConfig({ routes: routesOf(args), limits: LIMITS, ports: { http: 8080, metrics: 8404 } });
    assert.equal(text(CANARY_ARGS), text(structuredClone(CANARY_ARGS)));
    const heavier = { ...CANARY_ARGS, canary: { ...CANARY_ARGS.canary!, weight: 50 } };
    assert.equal(new Set([ARGS, CANARY_ARGS, heavier, PROMOTED_ARGS, FIRST_ARGS].map(text)).size, 5);
  });
});
