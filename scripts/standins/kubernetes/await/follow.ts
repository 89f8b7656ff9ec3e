import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../apiError.ts";
import type { Query, RestClient } from "../rest.ts";
import { isObject, type JsonObject, listAt, textAt } from "../values.ts";

const RECONNECT_MILLIS = 500;

const uidOf = (object: JsonObject): string => textAt(object, "metadata", "uid") ?? "";

/** Items of a list do not say what they are; the list does. */
function itemsOf(list: JsonObject): JsonObject[] {
  const kind = (textAt(list, "kind") ?? "").replace(/List$/, "");
  const items = listAt(list, "items").filter(isObject);
  return items.map((item) => ({ apiVersion: list["apiVersion"] ?? "", kind, ...item }));
}

/** Answers that asking again does not change. 404 is no failure here: a kind that is gone has no objects. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && ![404, 410, 429].includes(error.status);

/**
 * Calls `onChange` with all objects a query selects, now and after every change, until `signal` is aborted. What is lost, a
 * watch or the connection, is taken up again from a fresh list, so that no change is missed.
 *
 * @throws ApiError when the query is refused
 */
export async function follow(
  client: RestClient,
  path: string,
  query: Query,
  onChange: (objects: readonly JsonObject[]) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await followOnce(client, path, query, onChange, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      if (error instanceof ApiError && error.status === 404) onChange([]);
    }
    await sleep(RECONNECT_MILLIS, undefined, { signal }).catch(() => undefined);
  }
}

async function followOnce(
  client: RestClient,
  path: string,
  query: Query,
  onChange: (objects: readonly JsonObject[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const { body } = await client.request("GET", path, { query, signal });
  const objects = new Map(itemsOf(body).map((object) => [uidOf(object), object]));
  onChange([...objects.values()]);
  const resourceVersion = textAt(body, "metadata", "resourceVersion");
  let isStale = false;
  const stop = new AbortController();
  await client.watch(
    path,
    { ...query, resourceVersion },
    ({ type, object }) => {
      if (type === "BOOKMARK" || isStale) return;
      if (type === "ERROR") {
        // The server no longer remembers this far back; the caller lists again.
        isStale = true;
        stop.abort();
        return;
      }
      if (type === "DELETED") objects.delete(uidOf(object));
      else objects.set(uidOf(object), object);
      onChange([...objects.values()]);
    },
    AbortSignal.any([signal, stop.signal]),
  );
}
