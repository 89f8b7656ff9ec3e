import { closeSync, openSync, readSync, statSync } from "node:fs";

/** Requests that a stretch of the audit log holds, by what they may change. */
export interface RequestCounts {
  /** Requests that change something. */
  readonly writes: number;
  /** Requests that would, but were told not to. */
  readonly dryRuns: number;
  readonly reads: number;
}

interface AuditEvent {
  readonly stage?: string;
  readonly verb?: string;
  readonly requestURI?: string;
  readonly objectRef?: { readonly namespace?: string; readonly resource?: string };
}

const WRITES = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** Counts the requests about one namespace's objects in lines of an audit log. */
export function countRequests(lines: Iterable<string>, namespace: string): RequestCounts {
  let [writes, dryRuns, reads] = [0, 0, 0];
  for (const line of lines) {
    const event = parseEvent(line);
    if (event?.stage !== "ResponseComplete" || event.objectRef?.namespace !== namespace) continue;
    if (!WRITES.has(event.verb ?? "")) reads += 1;
    else if (/[?&]dryRun=/.test(event.requestURI ?? "")) dryRuns += 1;
    else writes += 1;
  }
  return { writes, dryRuns, reads };
}

/** The last line of a log that is being written may be half there. */
function parseEvent(line: string): AuditEvent | undefined {
  if (line.trim() === "") return undefined;
  try {
    return JSON.parse(line) as AuditEvent;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** How long the log is now, in bytes. */
export function logEnd(path: string): number {
  return statSync(path).size;
}

/** The lines written after a position. */
export function linesSince(path: string, position: number): string[] {
  const length = statSync(path).size - position;
  const buffer = Buffer.alloc(length);
  const file = openSync(path, "r");
  try {
    readSync(file, buffer, 0, length, position);
  } finally {
    closeSync(file);
  }
  return buffer.toString().split("\n");
}
