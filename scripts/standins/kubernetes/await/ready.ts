import { type ApiResource, apiPath } from "../discovery.ts";
import type { RestClient } from "../rest.ts";
import { type JsonObject, textAt } from "../values.ts";
import { nameOf } from "./conditions.ts";
import { withDeadline } from "./deadline.ts";
import { follow } from "./follow.ts";
import type { Awaiter, Readiness, RelatedQuery } from "./types.ts";

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

/** What is known while waiting. */
interface Watched {
  live: JsonObject;
  isGone: boolean;
  readonly related: Record<string, readonly JsonObject[]>;
}

/**
 * Waits until the awaiter calls the object ready.
 *
 * @returns the object as last seen
 * @throws NotReady on a definite failure, on timeout, when the object disappears, and when `signal` is aborted
 */
export async function waitUntilReady(options: WaitOptions): Promise<JsonObject> {
  const { awaiter } = options;
  const watched: Watched = { live: options.live, isGone: false, related: {} };
  const judge = (): Readiness => awaiter.readiness(watched.live, watched.related);
  if (judge().state === "ready") return options.live;
  await withDeadline(options.timeoutMillis, options.signal, async (signal, finish) => {
    const report = progressReporter(options.onProgress);
    const onChange = () => {
      const readiness = judge();
      if (watched.isGone || readiness.state !== "waiting") finish();
      else report(readiness);
    };
    onChange();
    const queries = awaiter.related?.(options.live) ?? [];
    await Promise.all([
      followObject(options, watched, onChange, signal),
      ...queries.map((query) => followRelated(options, query, watched, onChange, signal)),
    ]);
  });
  return settled(options, watched, judge());
}

function followObject(
  { client, resource, live }: WaitOptions,
  watched: Watched,
  onChange: () => void,
  signal: AbortSignal,
) {
  const path = apiPath(resource, textAt(live, "metadata", "namespace"));
  const uid = textAt(live, "metadata", "uid");
  const onObjects = (objects: readonly JsonObject[]) => {
    const found = objects.find((object) => textAt(object, "metadata", "uid") === uid);
    watched.isGone = found === undefined;
    watched.live = found ?? watched.live;
    onChange();
  };
  return follow(client, path, { fieldSelector: `metadata.name=${nameOf(live)}` }, onObjects, signal);
}

function followRelated(
  { client, live }: WaitOptions,
  { name, resource, labelSelector, fieldSelector }: RelatedQuery,
  watched: Watched,
  onChange: () => void,
  signal: AbortSignal,
) {
  const path = apiPath(resource, textAt(live, "metadata", "namespace"));
  const onObjects = (objects: readonly JsonObject[]) => {
    watched.related[name] = objects;
    onChange();
  };
  return follow(client, path, { labelSelector, fieldSelector }, onObjects, signal);
}

/** Says what is waited for whenever that changes. */
function progressReporter(onProgress: (message: string) => void): (readiness: Readiness) => void {
  let last = "";
  return (readiness) => {
    if (readiness.state !== "waiting") return;
    const [problem] = readiness.problems;
    const message = `waiting: ${readiness.message}${problem === undefined ? "" : ` (${problem})`}`;
    if (message !== last) onProgress(message);
    last = message;
  };
}

function settled({ timeoutMillis, signal }: WaitOptions, { live, isGone }: Watched, readiness: Readiness): JsonObject {
  if (isGone) throw new NotReady("it was deleted while it was waited for", [], live);
  if (readiness.state === "ready") return live;
  if (readiness.state === "failed") throw new NotReady(readiness.message, readiness.problems, live);
  if (signal.aborted) throw new NotReady(`cancelled while waiting: ${readiness.message}`, readiness.problems, live);
  const advice =
    "Raise customTimeouts or the pulumi.com/timeoutSeconds annotation, or set pulumi.com/skipAwait, if that is expected";
  throw new NotReady(
    `not ready after ${timeoutMillis / 1000} s: ${readiness.message}. ${advice}`,
    readiness.problems,
    live,
  );
}
