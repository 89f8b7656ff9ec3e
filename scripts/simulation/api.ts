import http from "node:http";
import https from "node:https";
import { ApiError } from "../../components/lifecycle/cluster.ts";
import type { ClientIdentity } from "../cluster/http.ts";

export interface ApiOptions {
  /** Connections at once, beside watches. @default 16 */
  readonly connections?: number;
  /** Longest wait for one answer. @default 60 */
  readonly timeoutSeconds?: number;
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

export interface Follower<T> {
  /** All there are, at the beginning and whenever what happened in between was missed. */
  onList(items: readonly T[]): void;
  onEvent(event: WatchEvent<T>): void;
  /** Told of each loss of the connection; it is made again. */
  onLoss?(error: Error): void;
}

export type PatchKind = "merge" | "strategic";

const CONTENT_TYPES: Readonly<Record<PatchKind, string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

/** Items of one page of a list. */
const PAGE = 1000;

/**
 * An API server, asked over connections that stay open: what replays and simulates sends it thousands of small requests, and a
 * new connection costs more than most of them.
 */
export class Api {
  readonly #server: string;
  readonly #agent: https.Agent;
  readonly #watches: https.Agent;
  readonly #timeout: number;

  constructor(server: string, identity: ClientIdentity, { connections = 16, timeoutSeconds = 60 }: ApiOptions = {}) {
    this.#server = server;
    this.#agent = new https.Agent({ keepAlive: true, maxSockets: connections, ...identity });
    this.#watches = new https.Agent({ keepAlive: false, ...identity });
    this.#timeout = timeoutSeconds * 1000;
  }

  /** @throws ApiError where the answer is not 2xx, and the network's error where there is none */
  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.#send("GET", path)) as T;
  }

  /** Undefined where it does not exist. */
  async find<T>(path: string): Promise<T | undefined> {
    return ignoring(404, () => this.get<T>(path));
  }

  /** All items of a collection, page by page, and the version they are of. */
  async list<T>(path: string): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
    const items: T[] = [];
    let rest = "";
    for (;;) {
      const page = await this.get<{ items: T[]; metadata: { resourceVersion: string; continue?: string } }>(
        withQuery(path, `limit=${PAGE}${rest}`),
      );
      items.push(...page.items);
      if (!page.metadata.continue) return { items, resourceVersion: page.metadata.resourceVersion };
      rest = `&continue=${encodeURIComponent(page.metadata.continue)}`;
    }
  }

  async create<T>(path: string, object: object): Promise<T> {
    return JSON.parse(await this.#send("POST", path, JSON.stringify(object), "application/json")) as T;
  }

  async replace<T>(path: string, object: object): Promise<T> {
    return JSON.parse(await this.#send("PUT", path, JSON.stringify(object), "application/json")) as T;
  }

  async patch<T>(path: string, kind: PatchKind, body: unknown): Promise<T> {
    return JSON.parse(await this.#send("PATCH", path, JSON.stringify(body), CONTENT_TYPES[kind])) as T;
  }

  /** Server-side apply as `manager`, which takes fields over from others. */
  async apply<T>(path: string, manager: string, object: object): Promise<T> {
    const query = `fieldManager=${encodeURIComponent(manager)}&force=true`;
    const type = "application/apply-patch+yaml";
    return JSON.parse(await this.#send("PATCH", withQuery(path, query), JSON.stringify(object), type)) as T;
  }

  /** Deletes at once, without asking anybody on the node; what is gone already is no error. */
  async remove(path: string, options: object = { gracePeriodSeconds: 0 }): Promise<void> {
    const body = JSON.stringify({ apiVersion: "v1", kind: "DeleteOptions", ...options });
    await ignoring(404, () => this.#send("DELETE", path, body, "application/json"));
  }

  /** What a page says, as text. `url` may be one of another program of the same authority. */
  text(url: string): Promise<string> {
    return this.#send("GET", url);
  }

  /**
   * Follows a collection until `signal`: lists it, watches it, and does both again when the connection or the history is lost.
   *
   * @param query such as `labelSelector=a`
   */
  async follow<T>(path: string, follower: Follower<T>, signal: AbortSignal, query = ""): Promise<void> {
    const collection = query === "" ? path : withQuery(path, query);
    while (!signal.aborted) {
      try {
        const { items, resourceVersion } = await this.list<T>(collection);
        if (signal.aborted) return;
        follower.onList(items);
        await this.#watch(collection, resourceVersion, follower, signal);
      } catch (error) {
        if (signal.aborted) return;
        follower.onLoss?.(error instanceof Error ? error : new Error(String(error)));
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  close(): void {
    this.#agent.destroy();
    this.#watches.destroy();
  }

  /** Goes on from where it was when a watch ends in the usual way, after some minutes; throws where it cannot. */
  async #watch<T>(collection: string, from: string, follower: Follower<T>, signal: AbortSignal): Promise<void> {
    let version = from;
    while (!signal.aborted) {
      const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=600&resourceVersion=${version}`;
      await this.#stream(withQuery(collection, query), signal, (line) => {
        const { type, object } = JSON.parse(line) as {
          type: WatchEvent<T>["type"] | "BOOKMARK" | "ERROR";
          object: KubernetesObject & { readonly message?: string; readonly code?: number };
        };
        if (type === "ERROR") throw new ApiError(object.code ?? 500, object.message ?? "the watch ended in an error");
        version = object.metadata.resourceVersion ?? version;
        if (type !== "BOOKMARK") follower.onEvent({ type, object: object as T });
      });
    }
  }

  #stream(path: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = https.get(this.#url(path), { agent: this.#watches }, (response) => {
        let rest = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          if (response.statusCode !== 200) {
            rest += chunk;
            return;
          }
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          try {
            lines.filter((line) => line !== "").forEach(onLine);
          } catch (error) {
            request.destroy(error instanceof Error ? error : new Error(String(error)));
          }
        });
        response.once("error", reject);
        response.once("end", () =>
          response.statusCode === 200
            ? resolve()
            : reject(new ApiError(response.statusCode ?? 0, `${response.statusCode}: ${messageOf(rest)}`)),
        );
      });
      const stop = () => request.destroy();
      signal.addEventListener("abort", stop, { once: true });
      request.once("error", reject);
      request.once("close", () => {
        signal.removeEventListener("abort", stop);
        resolve();
      });
    });
  }

  #url(path: string): string {
    return path.startsWith("https:") ? path : `${this.#server}${path}`;
  }

  #send(method: string, path: string, body?: string, contentType?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        this.#url(path),
        {
          method,
          agent: this.#agent,
          timeout: this.#timeout,
          headers: {
            accept: path.startsWith("https:") ? "*/*" : "application/json",
            ...(body === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(text);
            else {
              const name = http.STATUS_CODES[status] ?? "";
              reject(new ApiError(status, `${method} ${path}: ${status} ${name}: ${messageOf(text)}`));
            }
          });
        },
      );
      request.once("timeout", () => request.destroy(new Error(`${path} did not answer in ${this.#timeout / 1000} s`)));
      request.once("error", reject);
      request.end(body);
    });
  }
}

/** Undefined where the answer is that status. */
export async function ignoring<T>(status: number, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.status === status) return undefined;
    throw error;
  }
}

/** Runs `work` on each item, so many at once, in their order; the first error is thrown when those under way have ended. */
export async function concurrently<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  let failed: { error: unknown } | undefined;
  const lane = async () => {
    while (next < items.length && failed === undefined) {
      const index = next;
      next += 1;
      try {
        await work(items[index]!, index);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  if (failed !== undefined) throw failed.error;
}

function withQuery(path: string, query: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === "string" ? message : body.slice(0, 200);
  } catch {
    // A proxy in between may answer with anything.
    return body.trim().slice(0, 200) || "no explanation";
  }
}
