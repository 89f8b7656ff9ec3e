import { Cancelled } from "../apiError.ts";
import { type ApiResource, apiPath } from "../discovery.ts";
import type { RestClient } from "../rest.ts";
import { type JsonObject, listAt, textAt } from "../values.ts";
import { nameOf } from "./conditions.ts";
import { withDeadline } from "./deadline.ts";
import { follow } from "./follow.ts";

export interface GoneOptions {
  readonly client: RestClient;
  readonly resource: ApiResource;
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
  const { client, resource } = options;
  const path = apiPath(resource, textAt(options.live, "metadata", "namespace"));
  const query = { fieldSelector: `metadata.name=${nameOf(options.live)}` };
  const uid = textAt(options.live, "metadata", "uid");
  let live: JsonObject | undefined = options.live;
  let last = options.live;
  let reported = "";
  await withDeadline(options.timeoutMillis, options.signal, async (signal, finish) => {
    const onObjects = (objects: readonly JsonObject[]) => {
      live = objects.find((object) => textAt(object, "metadata", "uid") === uid);
      if (live === undefined) return finish();
      last = live;
      const message = `waiting for the deletion to finish${heldBy(live)}`;
      if (message !== reported) options.onProgress(message);
      reported = message;
    };
    await follow(client, path, query, onObjects, signal);
  });
  if (live === undefined) return;
  if (options.signal.aborted) throw new Cancelled("cancelled while waiting for the deletion to finish");
  const reasons = listAt(last, "status", "conditions")
    .filter((condition) => textAt(condition, "status") === "True")
    .map((condition) => ` ${textAt(condition, "message") ?? ""}`);
  throw new Error(
    `still there ${options.timeoutMillis / 1000} s after its deletion began${heldBy(last)}.${reasons.join("")} ` +
      "What holds it must let go first; customTimeouts.delete allows more time",
  );
}
