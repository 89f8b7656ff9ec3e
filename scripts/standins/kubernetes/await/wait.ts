import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, Cancelled } from "../apiError.ts";
import { type ApiResource, apiPath } from "../discovery.ts";
import type { Query, RestClient, WatchEvent } from "../rest.ts";
import { type JsonObject, listAt, textAt } from "../values.ts";
import { nameOf } from "./conditions.ts";
import type { Awaiter, Readiness, Related } from "./types.ts";

/** An object that exists and is not what was waited for; `problems` say why, as far as its parts tell. */
export class NotReady extends Error {
  readonly problems: readonly string[];
  /** The object as last seen. */
  readonly live: JsonObject;

  constructor(message: string, problems: readonly string[], live: JsonObject) {
    super(message);
    this.problems = problems;
    this.live = live;
  }
}

export interface WaitOptions {
  readonly client: RestClient;
  readonly resource: ApiResource;
  /** The object as the API server answered when it was written. */
  readonly live: JsonObject;
  readonly awaiter: Awaiter;
  readonly timeoutMillis: number;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

const RECONNECT_MILLIS = 500;

/** Follows a set of objects until `signal` is aborted; a watch that breaks is opened again. */
async function follow(
  client: RestClient,
  path: string,
  query: Query,
  onEvent: (event: WatchEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await client.watch(path, query, onEvent, signal);
    } catch (error) {
      // 403 and the like do not heal by asking again; everything else may, within the caller's timeout.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && ![410, 429].includes(error.status))
        throw error;
    }
    await sleep(RECONNECT_MILLIS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Waits until the awaiter calls the object ready.
 *
 * @returns the object as last seen
 * @throws NotReady on a definite failure, on timeout, when the object disappears, and when `signal` is aborted
 */
export async function waitUntilReady(options: WaitOptions): Promise<JsonObject> {
  const { client, resource, awaiter, signal } = options;
  const namespace = textAt(options.live, "metadata", "namespace");
  const name = nameOf(options.live);
  let live = options.live;
  const queries = awaiter.related?.(live) ?? [];
  const seen = new Map(queries.map((query) => [query.name, new Map<string, JsonObject>()]));
  const related = (): Related => Object.fromEntries([...seen].map(([key, objects]) => [key, [...objects.values()]]));

  let readiness: Readiness = awaiter.readiness(live, {});
  if (readiness.state === "ready") return live;

  const stop = new AbortController();
  const onAbort = () => stop.abort();
  signal.addEventListener("abort", onAbort);
  const started = Date.now();
  const timer = setTimeout(() => stop.abort(), options.timeoutMillis);
  let reported = "";
  let gone = false;

  const judge = () => {
    readiness = awaiter.readiness(live, related());
    if (readiness.state !== "waiting") stop.abort();
    else if (readiness.message !== reported) {
      reported = readiness.message;
      options.onProgress(
        `waiting: ${reported}${readiness.problems[0] === undefined ? "" : ` (${readiness.problems[0]})`}`,
      );
    }
  };
  const onMain = (event: WatchEvent) => {
    if (event.type === "ERROR" || event.type === "BOOKMARK") return;
    live = event.object;
    gone = event.type === "DELETED";
    if (gone) stop.abort();
    else judge();
  };
  const onRelated = (objects: Map<string, JsonObject>) => (event: WatchEvent) => {
    if (event.type === "ERROR" || event.type === "BOOKMARK") return;
    const uid = textAt(event.object, "metadata", "uid") ?? "";
    if (event.type === "DELETED") objects.delete(uid);
    else objects.set(uid, event.object);
    judge();
  };

  try {
    if (signal.aborted) throw new NotReady("cancelled while waiting for it to become ready", [], live);
    judge();
    await Promise.all([
      follow(client, apiPath(resource, namespace), { fieldSelector: `metadata.name=${name}` }, onMain, stop.signal),
      ...queries.map((query) =>
        follow(
          client,
          apiPath(query.resource, namespace),
          { labelSelector: query.labelSelector, fieldSelector: query.fieldSelector },
          onRelated(seen.get(query.name) as Map<string, JsonObject>),
          stop.signal,
        ),
      ),
    ]);
  } finally {
    stop.abort();
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }

  const outcome = readiness as Readiness;
  if (gone) throw new NotReady("it was deleted while it was waited for", [], live);
  if (outcome.state === "ready") return live;
  if (outcome.state === "failed") throw new NotReady(outcome.message, outcome.problems, live);
  if (signal.aborted) throw new NotReady(`cancelled while waiting: ${outcome.message}`, outcome.problems, live);
  const seconds = Math.round((Date.now() - started) / 1000);
  throw new NotReady(
    `not ready after ${seconds} s: ${outcome.message}. ` +
      "Raise customTimeouts or the pulumi.com/timeoutSeconds annotation, or set pulumi.com/skipAwait, if that is expected",
    outcome.problems,
    live,
  );
}

export interface GoneOptions {
  readonly client: RestClient;
  readonly path: string;
  readonly collectionPath: string;
  readonly live: JsonObject;
  readonly timeoutMillis: number;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** What holds an object that is being deleted, in parentheses; empty when nothing does. */
function heldBy(live: JsonObject): string {
  const holders = [...listAt(live, "metadata", "finalizers"), ...listAt(live, "spec", "finalizers")];
  return holders.length === 0 ? "" : ` (held by ${holders.join(", ")})`;
}

/**
 * Waits until an object with this uid exists no more.
 *
 * @throws Error on timeout, naming what holds it; Cancelled when `signal` is aborted
 */
export async function waitUntilGone(options: GoneOptions): Promise<void> {
  const { client, signal } = options;
  const uid = textAt(options.live, "metadata", "uid");
  let live = options.live;
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  signal.addEventListener("abort", onAbort);
  const timer = setTimeout(() => stop.abort(), options.timeoutMillis);
  let gone = false;
  const finish = () => {
    gone = true;
    stop.abort();
  };
  const check = async () => {
    try {
      const { body } = await client.request("GET", options.path, { signal: stop.signal });
      if (textAt(body, "metadata", "uid") !== uid) finish();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) finish();
      else if (!(error instanceof Cancelled)) throw error;
    }
  };
  try {
    await check();
    if (!gone) options.onProgress(`waiting for the deletion to finish${heldBy(live)}`);
    const onEvent = (event: WatchEvent) => {
      if (event.type === "DELETED") finish();
      else if (event.type !== "BOOKMARK" && event.type !== "ERROR") live = event.object;
    };
    const query = { fieldSelector: `metadata.name=${nameOf(options.live)}` };
    while (!stop.signal.aborted) {
      await client
        .watch(options.collectionPath, { ...query, timeoutSeconds: "30" }, onEvent, stop.signal)
        // A watch that cannot be opened (its kind may just be going away) leaves asking again and again.
        .catch(() => sleep(RECONNECT_MILLIS, undefined, { signal: stop.signal }).catch(() => undefined));
      // The deletion may have happened between two watches.
      if (!stop.signal.aborted) await check();
    }
  } finally {
    stop.abort();
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
  if (gone) return;
  if (signal.aborted) throw new Cancelled("cancelled while waiting for the deletion to finish");
  const reasons = listAt(live, "status", "conditions")
    .filter((condition) => textAt(condition, "status") === "True")
    .map((condition) => textAt(condition, "message") ?? "");
  throw new Error(
    `still there ${options.timeoutMillis / 1000} s after its deletion began${heldBy(live)}: ${reasons.join(" ")} ` +
      "What holds it must let go first; customTimeouts.delete allows more time",
  );
}
