import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countRequests, linesSince, logEnd } from "../../scripts/bench/audit.ts";

const event = (verb: string, more: { uri?: string; namespace?: string; stage?: string } = {}): string =>
  JSON.stringify({
    stage: more.stage ?? "ResponseComplete",
    verb,
    requestURI: more.uri ?? "/api/v1/namespaces/n/configmaps/a",
    objectRef: { resource: "configmaps", namespace: more.namespace ?? "n" },
  });

describe("countRequests", () => {
  it("tells writes from dry runs and reads, of one namespace, each request once", () => {
    const lines = [
      event("create"),
      event("patch", { uri: "/api/v1/x?fieldManager=m&force=false" }),
      event("patch", { uri: "/api/v1/x?fieldManager=m&dryRun=All" }),
      event("patch", { uri: "/api/v1/x?dryRun=All" }),
      event("delete", { namespace: "other" }),
      event("create", { stage: "RequestReceived" }),
      event("get"),
      event("list"),
      "",
      '{"verb": "create", "half',
    ];
    assert.deepEqual(countRequests(lines, "n"), { writes: 2, dryRuns: 2, reads: 2 });
  });
});

describe("linesSince", () => {
  it("gives only what was written after a position", () => {
    const folder = mkdtempSync(join(tmpdir(), "millwright-audit-"));
    try {
      const path = join(folder, "audit.log");
      writeFileSync(path, "before — ü\n");
      const position = logEnd(path);
      appendFileSync(path, "after — ü\n");
      assert.deepEqual(linesSince(path, position), ["after — ü", ""]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
