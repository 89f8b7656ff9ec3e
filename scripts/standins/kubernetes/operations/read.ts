import { awaiterFor } from "../await/awaiters.ts";
import { isDeleting } from "../await/conditions.ts";
import { ExpressionProblem } from "../await/jsonpath.ts";
import { NotReady, waitUntilReady } from "../await/ready.ts";
import type { Context } from "../context.ts";
import { allFields } from "../fields.ts";
import { kindOf, kindOfToken, typeOfUrn } from "../kinds.ts";
import { idOf, readLive, type Target, targetOfId, unknownKind } from "../objects.ts";
import { declarable, project } from "../projection.ts";
import type { State } from "../state.ts";
import { isObject, type JsonObject } from "../values.ts";
import { reasonsOf } from "./write.ts";

export interface ReadRequest {
  readonly urn: string;
  readonly id: string;
  /** Undefined for an import: nothing is known yet. */
  readonly known: { readonly inputs: JsonObject; readonly state: State } | undefined;
}

export interface ReadResult {
  readonly id: string;
  readonly live: JsonObject;
  readonly inputs: JsonObject;
  /** Why the object is not healthy, so that the next update waits for it; empty when it is. */
  readonly reasons: readonly string[];
}

/** How long a refresh looks at what an object's readiness depends on. It takes stock and does not wait. */
const LOOK_MILLIS = 1500;

/**
 * The object as it is, and its inputs as the program would have had to write them for it to be so.
 *
 * @returns undefined when the object is certainly gone; a cluster that does not answer is an error
 */
export async function read(context: Context, request: ReadRequest): Promise<ReadResult | undefined> {
  const { known } = request;
  const kind = known === undefined ? kindOfToken(typeOfUrn(request.urn)) : kindOf(known.inputs);
  const resource = await context.discovery.find(kind);
  if (resource === undefined) {
    if (known !== undefined && (await context.discovery.isGone(kind))) return undefined;
    throw new Error(unknownKind(kind));
  }
  const target = targetOfId(context, resource, request.id);
  const live = await readLive(context, target);
  // What is on its way out is as good as gone: an update waits for it and makes it again.
  if (live === undefined || isDeleting(live)) return undefined;
  if (known === undefined) return { id: idOf(live), live, inputs: declarable(live), reasons: [] };
  const projected = project(known.inputs, live, known.state.live, allFields(live));
  const inputs = isObject(projected) ? projected : known.inputs;
  return { id: idOf(live), live, inputs, reasons: await health(context, target, known.inputs, live) };
}

async function health(
  context: Context,
  target: Target,
  inputs: JsonObject,
  live: JsonObject,
): Promise<readonly string[]> {
  try {
    const awaiter = awaiterFor(inputs);
    if (awaiter === undefined) return [];
    const { client, signal } = context;
    const options = { client, signal, resource: target.resource, live, awaiter, timeoutMillis: LOOK_MILLIS };
    await waitUntilReady({ ...options, onProgress: () => undefined });
    return [];
  } catch (error) {
    if (error instanceof NotReady) return reasonsOf(target, error);
    // Inputs of an older run that no longer parse are reported when they are checked.
    if (error instanceof ExpressionProblem) return [];
    throw error;
  }
}
