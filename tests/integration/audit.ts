import { readFileSync } from "node:fs";
import path from "node:path";
import { stateRoot } from "../../scripts/lib/roots.ts";

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
}

const WRITES = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** Reviews of access and tokens are POSTs that store nothing. */
const STORES_NOTHING = /\/apis\/(authentication|authorization)\.k8s\.io\//;

/**
 * The write requests one user sent to the local API server since a moment, as `verb uri`. Dry runs count as well: a run
 * that changes nothing has no reason to ask.
 */
export function auditedWrites({ since, user }: { since: Date; user: string }): string[] {
  return readFileSync(path.join(stateRoot(), "logs/audit.log"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter((event) => event.stage === "ResponseComplete" && event.user.username === user && WRITES.has(event.verb))
    .filter((event) => new Date(event.requestReceivedTimestamp) >= since && !STORES_NOTHING.test(event.requestURI))
    .map((event) => `${event.verb} ${event.requestURI}`);
}
