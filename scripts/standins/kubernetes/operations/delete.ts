import { propagationPolicy, timeoutMillis } from "../annotations.ts";
import { isConflict, isNotFound } from "../apiError.ts";
import { waitUntilGone } from "../await/gone.ts";
import type { Context } from "../context.ts";
import { managersOf } from "../fields.ts";
import { isPatch, kindOf } from "../kinds.ts";
import { apply, explain, pathOf, readLive, type Target, targetOfId, titleOf, unknownKind } from "../objects.ts";
import { managerFor, type State } from "../state.ts";
import type { JsonObject } from "../values.ts";
import { toPatch } from "./patch.ts";
import { uidOf } from "./write.ts";

export interface DeleteRequest {
  readonly urn: string;
  readonly id: string;
  readonly inputs: JsonObject;
  readonly state: State;
  /** From `customTimeouts`; 0 when unset. */
  readonly timeoutSeconds: number;
}

const DELETION_SECONDS = 600;

/**
 * Deletes the object and waits until it is gone. An object of the same name that somebody else made in its place stays: what
 * this resource had is gone already.
 */
export async function remove(context: Context, request: DeleteRequest): Promise<void> {
  const { urn, state, inputs } = request;
  const kind = kindOf(state.live);
  const resource = await context.discovery.find(kind);
  if (resource === undefined) {
    if (await context.discovery.isGone(kind)) return;
    throw new Error(unknownKind(kind));
  }
  const target = targetOfId(context, resource, request.id);
  const live = await readLive(context, target);
  if (live === undefined) return;
  const manager = managerFor(urn, inputs, state);
  if (isPatch(urn, inputs)) return await relinquish(context, target, live, manager);
  const isOwn = uidOf(live) === uidOf(state.live) || managersOf(live).some(({ name }) => name === manager);
  if (!isOwn) {
    const message = `${titleOf(target)} was deleted and made again by somebody else: it is not this resource's to delete and stays`;
    await context.log.write("warning", message, urn);
    return;
  }
  try {
    const preconditions = { uid: uidOf(live) };
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: propagationPolicy(inputs),
      preconditions,
    };
    await context.client.request("DELETE", pathOf(target), { body, signal: context.signal });
  } catch (error) {
    if (isNotFound(error)) return;
    // Another object took the name between the look and the deletion.
    if (isConflict(error) && uidOf((await readLive(context, target)) ?? {}) !== uidOf(live)) return;
    throw explain(error, target, "delete it");
  }
  await waitUntilGone({
    client: context.client,
    signal: context.signal,
    resource: target.resource,
    live,
    timeoutMillis: timeoutMillis(inputs, request.timeoutSeconds, DELETION_SECONDS),
    onProgress: (message) => void context.log.write("info", message, urn, true),
  });
}

/** Gives up a patch's fields: those that nobody else has are removed, and the object stays. */
async function relinquish(context: Context, target: Target, live: JsonObject, manager: string): Promise<void> {
  const { name, namespace } = target;
  const nothing: JsonObject = {
    apiVersion: live["apiVersion"]!,
    kind: live["kind"]!,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  };
  try {
    await apply(context, target, toPatch(target, nothing, live), { manager, force: false, dryRun: false });
  } catch (error) {
    // The object went in the meantime, and its fields with it.
    if (isConflict(error) && uidOf((await readLive(context, target)) ?? {}) !== uidOf(live)) return;
    throw explain(error, target, "give up the fields of this patch");
  }
}
