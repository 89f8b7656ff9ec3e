/**
 * How a request ended without an answer. `unreached`: it never got to the server. `broken`: the connection ended under way.
 * `silent`: nothing came for too long.
 */
export type NoAnswer = "unreached" | "broken" | "silent";

/** One attempt of one request, and how it ended: with a status and a body, or with a failure. */
export interface Attempt {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status?: number;
  /** Of the answer. */
  readonly body?: string;
  readonly failure?: NoAnswer;
  /** From 1. */
  readonly attempt: number;
}

/** A server that is away comes back; these statuses say nothing of the request itself. */
const AWAY: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** A 500 may be about the request, and a 409 nearly always is: only so often, so that a real one is told within seconds. */
const MAX_ATTEMPTS_ON_500 = 8;
const MAX_ATTEMPTS_ON_409 = 5;

/** Whether the same request should be sent again. How long this may go on is for the caller to say. */
export function shouldRetry({ method, path, status, body = "", failure, attempt }: Attempt): boolean {
  if (!isRepeatable(method, path)) {
    return status === 429 || status === 503 || failure === "unreached";
  }
  if (failure !== undefined || AWAY.has(status ?? 0)) {
    return true;
  }
  if (status === 500) {
    // Server-side apply answers 500 to an object that does not fit its schema; asking again does not make it fit.
    return attempt < MAX_ATTEMPTS_ON_500 && !body.includes("failed to create typed patch object");
  }
  if (status === 409 && (method === "PATCH" || method === "PUT")) {
    return attempt < MAX_ATTEMPTS_ON_409 && !body.includes("FieldManagerConflict");
  }
  return false;
}

/** Whether sending a request twice does no more than sending it once. */
export function isRepeatable(method: string, path: string): boolean {
  if (method !== "POST") {
    return ["GET", "HEAD", "PUT", "PATCH", "DELETE"].includes(method);
  }
  const { pathname, searchParams } = parsed(path);
  return searchParams.get("dryRun") === "All" || /reviews$/.test(pathname);
}

/** Answered as it comes, for as long as it comes: watches and followed logs. */
export function isStream(path: string): boolean {
  const { pathname, searchParams } = parsed(path);
  const isSet = (name: string) => ["true", "1"].includes(searchParams.get(name) ?? "");
  return isSet("watch") || isSet("follow") || /^\/apis?\/.*\/watch\//.test(pathname);
}

/**
 * For how long a server may be silent on a request that names a `timeout`. client-go sends it as the time it waits itself, so
 * what can be sent again is given up after half of it, that a second answer may come in time.
 *
 * @param usual for a request that names none
 */
export function patienceMillis(method: string, path: string, usual: number): number {
  const { searchParams } = parsed(path);
  const [, minutes = "0", seconds = "0"] =
    /^(?:(\d+)m)?(?:(\d+)s?)?$/.exec(searchParams.get("timeout") ?? searchParams.get("timeoutSeconds") ?? "") ?? [];
  const asked = (Number(minutes) * 60 + Number(seconds)) * 1000;
  return Math.max(usual, method === "GET" ? asked / 2 : asked);
}

const FIRST_DELAY_MILLIS = 200;
const MAX_DELAY_MILLIS = 5000;
const MAX_RETRY_AFTER_SECONDS = 30;

/** Milliseconds between the `attempt`th (from 1) and the next. @param retryAfter the answer's header, in seconds */
export function delay(attempt: number, retryAfter?: string): number {
  const own = Math.min(FIRST_DELAY_MILLIS * 2 ** (attempt - 1), MAX_DELAY_MILLIS);
  // The header may also be a date, which API servers do not send.
  const asked = Math.min(Number(retryAfter) || 0, MAX_RETRY_AFTER_SECONDS) * 1000;
  return Math.max(own, asked);
}

/** What an error of Node's sockets means for the request; undefined where sending it again would end the same way. */
export function noAnswer({ code = "" }: Pick<NodeJS.ErrnoException, "code">): NoAnswer | undefined {
  if (["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"].includes(code)) {
    return "unreached";
  }
  // HPE_*: what came was cut off within its headers.
  if (["ECONNRESET", "ECONNABORTED", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes(code) || code.startsWith("HPE_")) {
    return "broken";
  }
  return code === "ETIMEDOUT" ? "silent" : undefined;
}

function parsed(path: string): URL {
  return new URL(path, "http://server");
}
