import type { ApiResource } from "../discovery.ts";
import type { JsonObject } from "../values.ts";

/** What an object's state means for whoever waits for it. */
export type Readiness =
  | { readonly state: "ready" }
  | {
      readonly state: "waiting";
      /** What it waits for, e.g. `0/1 pods available`. */
      readonly message: string;
      /** What is wrong with its parts, e.g. a pod that cannot pull its image; waiting goes on. */
      readonly problems: readonly string[];
    }
  | { readonly state: "failed"; readonly message: string; readonly problems: readonly string[] };

export const ready: Readiness = { state: "ready" };
export const waiting = (message: string, problems: readonly string[] = []): Readiness => ({
  state: "waiting",
  message,
  problems,
});
export const failed = (message: string, problems: readonly string[] = []): Readiness => ({
  state: "failed",
  message,
  problems,
});

/** Objects beside the awaited one that its readiness is judged by, each kind a list. */
export type Related = Readonly<Record<string, readonly JsonObject[]>>;

/** Objects to follow beside the awaited one. */
export interface RelatedQuery {
  readonly name: string;
  readonly resource: ApiResource;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** How one kind is awaited. `readiness` is a pure function of what was seen. */
export interface Awaiter {
  /** Used when neither the resource's options nor its annotations say. */
  readonly timeoutSeconds: number;
  readonly related?: (object: JsonObject) => readonly RelatedQuery[];
  readonly readiness: (object: JsonObject, related: Related) => Readiness;
}
