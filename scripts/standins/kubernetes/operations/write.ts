import { setTimeout as sleep } from "node:timers/promises";
import { annotations, isAnnotated, timeoutMillis } from "../annotations.ts";
import { Cancelled, isConflict, isNamespaceMissing, isNamespaceTerminating, isNotFound } from "../apiError.ts";
import { awaiterFor } from "../await/awaiters.ts";
import { NotReady, waitUntilReady } from "../await/ready.ts";
import { overrideMessage, refusalMessage, resolveConflicts } from "../conflicts.ts";
import type { Context } from "../context.ts";
import type { ApiResource } from "../discovery.ts";
import { isPatch, kindOf } from "../kinds.ts";
import { apply, explain, readLive, type Target, titleOf, unknownKind } from "../objects.ts";
import type { Answer } from "../rest.ts";
import { type JsonObject, type Path, textAt } from "../values.ts";

/** How long a kind or namespace that is being made by somebody else may take to appear. */
const APPEAR_MILLIS = [250, 500, 1000, 2000, 3000];

/** The written object, and why it is not ready if it is not. */
export interface Written {
  readonly live: JsonObject;
  readonly failure: NotReady | undefined;
}

/**
 * Where the objects of a kind live. A definition that was just installed may take a moment to be served.
 *
 * @throws Error naming the kind when the cluster does not have it
 */
export async function findResource(context: Context, object: JsonObject): Promise<ApiResource> {
  const kind = kindOf(object);
  for (const pause of [0, ...APPEAR_MILLIS]) {
    await pauseFor(context, pause);
    const found = await context.discovery.find(kind, context.signal);
    if (found !== undefined) return found;
  }
  throw new Error(unknownKind(kind));
}

async function pauseFor(context: Context, millis: number): Promise<void> {
  if (millis > 0) await sleep(millis, undefined, { signal: context.signal }).catch(() => undefined);
  if (context.signal.aborted) throw new Cancelled("cancelled");
}

export interface WriteRequest {
  readonly urn: string;
  readonly target: Target;
  readonly object: JsonObject;
  /** What this resource declared when it was last applied; empty for a new one. */
  readonly oldInputs: JsonObject;
  readonly manager: string;
  readonly dryRun: boolean;
  readonly ignored: readonly Path[];
}

/** Applies, and sorts out fields that others own. */
export async function write(context: Context, request: WriteRequest): Promise<Answer> {
  const { target, dryRun, manager } = request;
  const force = context.configuration.enablePatchForce || isAnnotated(request.object, annotations.patchForce);
  try {
    return await applyWhenNamespaceIsThere(context, request, force);
  } catch (error) {
    if (!isConflict(error) || error.causes.length === 0)
      throw explain(error, target, dryRun ? "accept this object" : "apply it");
    const live = (await readLive(context, target)) ?? {};
    const resolution = resolveConflicts(error, { ...request, live, isPatch: isPatch(request.urn, request.object) });
    if (resolution.refused.length > 0) throw new Error(`${titleOf(target)}: ${refusalMessage(resolution.refused)}`);
    const isOverriding = resolution.overridden.length > 0;
    if (isOverriding)
      await context.log.write("warning", `${titleOf(target)}: ${overrideMessage(resolution.overridden)}`, request.urn);
    try {
      return await apply(context, target, resolution.object, { manager, dryRun, force: isOverriding });
    } catch (again) {
      throw explain(again, target, "apply it");
    }
  }
}

async function applyWhenNamespaceIsThere(context: Context, request: WriteRequest, force: boolean): Promise<Answer> {
  const { target, dryRun, manager } = request;
  for (const pause of [...(dryRun ? [] : APPEAR_MILLIS), undefined]) {
    try {
      return await apply(context, target, request.object, { manager, dryRun, force });
    } catch (error) {
      if (pause === undefined || !(isNamespaceMissing(error) || isNamespaceTerminating(error))) throw error;
      await pauseFor(context, pause);
    }
  }
  throw new Error("unreachable");
}

/** Waits as the object's kind and annotations say. A definition that is ready changes what the server serves. */
export async function awaitReady(
  context: Context,
  urn: string,
  target: Target,
  inputs: JsonObject,
  live: JsonObject,
  requestSeconds: number,
): Promise<Written> {
  const awaiter = awaiterFor(inputs);
  let result: Written = { live, failure: undefined };
  if (awaiter !== undefined) {
    try {
      const timeout = timeoutMillis(inputs, requestSeconds, awaiter.timeoutSeconds);
      const onProgress = (message: string) => void context.log.write("info", message, urn, true);
      const { client, signal } = context;
      const ready = await waitUntilReady({
        client,
        signal,
        resource: target.resource,
        live,
        awaiter,
        timeoutMillis: timeout,
        onProgress,
      });
      result = { live: ready, failure: undefined };
    } catch (error) {
      if (!(error instanceof NotReady)) throw error;
      result = { live: error.live, failure: error };
    }
  }
  if (target.resource.kind === "CustomResourceDefinition") context.discovery.forget();
  return result;
}

/** The reasons of a partial failure, as the engine shows them. */
export const reasonsOf = (target: Target, failure: NotReady): string[] => [
  `${titleOf(target)}: ${failure.message}`,
  ...failure.problems,
];

/** Whether a dry run failed only because what it needs is made by the same update. */
export const isNotThereYet = (error: unknown): boolean =>
  isNotFound(error instanceof Error && error.cause !== undefined ? error.cause : error);

export const uidOf = (object: JsonObject): string => textAt(object, "metadata", "uid") ?? "";
