import assert from "node:assert/strict";
import {
  type Attempt,
  delay,
  isRepeatable,
  isStream,
  noAnswer,
  patienceMillis,
  shouldRetry,
} from "../../../../scripts/converge/hop/retry.ts";

const PATH = "/api/v1/namespaces/mill/configmaps";
const CONFLICT = JSON.stringify({
  kind: "Status",
  message: 'Apply failed with 1 conflict: conflict with "kubectl": .data.a',
  details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "kubectl"', field: ".data.a" }] },
});
const MODIFIED = JSON.stringify({ kind: "Status", message: "the object has been modified; please apply your changes" });
const MISDECLARED = JSON.stringify({ kind: "Status", message: "failed to create typed patch object (a/b): .spec.x" });

describe("hop: a request is sent again", () => {
  const cases: [string, Partial<Attempt>, boolean][] = [
    ...["GET", "HEAD", "PUT", "PATCH", "DELETE"].flatMap((method): [string, Partial<Attempt>, boolean][] => [
      ...[429, 500, 502, 503, 504].map((status): [string, Partial<Attempt>, boolean] => [
        `${method} on ${status}`,
        { method, status },
        true,
      ]),
      ...(["unreached", "broken", "silent"] as const).map((failure): [string, Partial<Attempt>, boolean] => [
        `${method} that is ${failure}`,
        { method, failure },
        true,
      ]),
      ...[200, 400, 401, 403, 404, 422].map((status): [string, Partial<Attempt>, boolean] => [
        `${method} on ${status}`,
        { method, status },
        false,
      ]),
    ]),
    ["POST on 429", { method: "POST", status: 429 }, true],
    ["POST on 503", { method: "POST", status: 503 }, true],
    ["POST that is unreached", { method: "POST", failure: "unreached" }, true],
    ["POST on 500", { method: "POST", status: 500 }, false],
    ["POST on 504", { method: "POST", status: 504 }, false],
    ["POST that is broken", { method: "POST", failure: "broken" }, false],
    ["POST that is silent", { method: "POST", failure: "silent" }, false],
    ["POST dry, broken", { method: "POST", path: `${PATH}?dryRun=All`, failure: "broken" }, true],
    [
      "POST of a review, on 500",
      { method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", status: 500 },
      true,
    ],
    ["PATCH on 409, modified", { method: "PATCH", status: 409, body: MODIFIED }, true],
    ["PUT on 409, modified", { method: "PUT", status: 409, body: MODIFIED }, true],
    ["PUT on 409 for the fifth time", { method: "PUT", status: 409, body: MODIFIED, attempt: 5 }, false],
    ["PATCH on 409, field managers", { method: "PATCH", status: 409, body: CONFLICT }, false],
    ["POST on 409", { method: "POST", status: 409, body: MODIFIED }, false],
    ["DELETE on 409", { method: "DELETE", status: 409, body: MODIFIED }, false],
    ["PATCH on 500, misdeclared", { method: "PATCH", status: 500, body: MISDECLARED }, false],
    ["GET on 500 for the eighth time", { method: "GET", status: 500, attempt: 8 }, false],
    ["GET on 503 for the eightieth time", { method: "GET", status: 503, attempt: 80 }, true],
    ["GET that fails for good", { method: "GET" }, false],
  ];
  for (const [what, given, expected] of cases) {
    it(`${what}: ${expected ? "yes" : "no"}`, () => {
      assert.equal(shouldRetry({ method: "GET", path: PATH, attempt: 1, ...given }), expected);
    });
  }

  it("only where twice is as once", () => {
    assert.equal(isRepeatable("POST", PATH), false);
    assert.equal(isRepeatable("POST", `${PATH}?dryRun=All`), true);
    assert.equal(isRepeatable("CONNECT", PATH), false);
  });
});

describe("hop: streams", () => {
  const cases: [string, boolean][] = [
    [`${PATH}?watch=true`, true],
    [`${PATH}?resourceVersion=1&watch=1`, true],
    ["/api/v1/watch/namespaces/mill/pods", true],
    ["/api/v1/namespaces/mill/pods/a/log?follow=true", true],
    ["/api/v1/namespaces/mill/pods/a/log", false],
    [`${PATH}?watch=false`, false],
    [PATH, false],
  ];
  for (const [path, expected] of cases) {
    it(`${path}: ${expected}`, () => assert.equal(isStream(path), expected));
  }
});

describe("hop: times", () => {
  it("between attempts double up to 5 s", () => {
    assert.deepEqual(
      Array.from({ length: 7 }, (_, i) => delay(i + 1)),
      [200, 400, 800, 1600, 3200, 5000, 5000],
    );
  });

  const retryAfter: [string, number][] = [
    ["1", 1000],
    ["0", 200],
    ["600", 30_000],
    ["Wed, 21 Oct 2026 07:28:00 GMT", 200],
  ];
  for (const [header, expected] of retryAfter) {
    it(`after Retry-After: ${header}`, () => assert.equal(delay(1, header), expected));
  }

  const patience: [string, string, number][] = [
    ["GET", "/api", 15_000],
    ["GET", "/api?timeout=32s", 16_000],
    ["GET", "/api?timeout=5s", 15_000],
    ["GET", "/api?timeoutSeconds=60", 30_000],
    ["PATCH", "/api?timeout=1m5s", 65_000],
    ["PATCH", "/api?timeout=soon", 15_000],
  ];
  for (const [method, path, expected] of patience) {
    it(`of silence on ${method} ${path}`, () => assert.equal(patienceMillis(method, path, 15_000), expected));
  }
});

describe("hop: errors of sockets", () => {
  const cases: [string | undefined, ReturnType<typeof noAnswer>][] = [
    ["ECONNREFUSED", "unreached"],
    ["EAI_AGAIN", "unreached"],
    ["ECONNRESET", "broken"],
    ["EPIPE", "broken"],
    ["HPE_INVALID_EOF_STATE", "broken"],
    ["ETIMEDOUT", "silent"],
    ["CERT_HAS_EXPIRED", undefined],
    [undefined, undefined],
  ];
  for (const [code, expected] of cases) {
    it(`${code}: ${expected ?? "for good"}`, () => {
      assert.equal(noAnswer(code === undefined ? {} : { code }), expected);
    });
  }
});
