/**
 * What the engine, its provider and client-go print when an answer of the API server, or the lack of one, ended the run, and the
 * same request may well succeed in a minute. Bound to their wording, since a bare number may stand for anything.
 */
const TRANSIENT: readonly RegExp[] = [
  // Answers, as the API server words them (apimachinery's errors) and where something in between gave a bare status.
  /the server has received too many requests/,
  /\bTooManyRequests\b|\b429\b.{0,5}Too Many Requests/,
  /Internal error occurred/,
  /an error on the server \(.*\) has prevented the request from succeeding/s,
  /\bInternalError\b|\b500\b.{0,5}Internal Server Error/,
  /\b502\b.{0,5}Bad Gateway/,
  /the server is currently unable to handle the request/,
  /\bServiceUnavailable\b|\b503\b.{0,5}Service Unavailable/,
  /the server was unable to return a response in the time allotted/,
  /\b504\b.{0,5}(?:Gateway )?Timeout|Timeout: request did not complete/,
  /etcdserver: (?:request timed out|leader changed)/,
  /the object has been modified/,
  // Connections, as Go and Node word them.
  /connection refused|\bECONNREFUSED\b/,
  /connection reset by peer|broken pipe|socket hang up|\bECONNRESET\b/,
  /(?:: |unexpected )EOF\b/,
  /http2: (?:server sent GOAWAY|client connection (?:lost|force closed))/,
  /i\/o timeout|TLS handshake timeout|\bETIMEDOUT\b/,
  /net\/http: request canceled|Client\.Timeout (?:exceeded|or context cancellation)/,
  /context deadline exceeded/,
];

/**
 * What stays as it is however often it is asked for. One such line among transient ones decides: the next run would fail on it.
 * An await that ran out is here because it took minutes, and because it quotes the readiness of pods ("connection refused").
 */
const LASTING: readonly RegExp[] = [
  // Not "field conflict detected": the provider calls every 409 so, that of an object modified meanwhile too.
  /Apply failed with \d+ conflict|field manager conflict/i,
  /\bis forbidden:|\bForbidden\b|\bUnauthorized\b/,
  /\bis invalid:|\bInvalid value\b/,
  /failed to create typed patch object|strict decoding error/,
  /\bnot found\b|could not find the requested resource|no matches for kind/,
  /denied the request/,
  /\[mandatory\]|policy violation/i,
  /timed out waiting (?:to|for)|Timeout occurred/,
  /\b(?:Type|Reference|Syntax|Range)Error\b/,
  /x509: |certificate has expired|self-signed certificate|unable to verify the first certificate/,
];

/** Whether a run of the engine that ended with these messages is worth trying again as it is. */
export function isTransient(messages: string | readonly string[]): boolean {
  const text = typeof messages === "string" ? messages : messages.join("\n");
  return TRANSIENT.some((pattern) => pattern.test(text)) && !LASTING.some((pattern) => pattern.test(text));
}

const LONGEST_PAUSE_SECONDS = 30;
const MAX_PAUSES = 7;

/**
 * Seconds to wait before the run after the `attempt`th (from 1) that failed; undefined where there should be none. They add up to
 * 91 s: an API server that is away for a minute is outlasted.
 */
export function backOff(attempt: number): number | undefined {
  return attempt > MAX_PAUSES ? undefined : Math.min(2 ** (attempt - 1), LONGEST_PAUSE_SECONDS);
}
