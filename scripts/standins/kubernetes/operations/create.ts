import { timeoutMillis } from "../annotations.ts";
import { ApiError, isDryRunRefused } from "../apiError.ts";
import { isDeleting } from "../await/conditions.ts";
import { waitUntilGone } from "../await/gone.ts";
import type { Context } from "../context.ts";
import { managersOf } from "../fields.ts";
import { refusedChanges } from "../immutability.ts";
import { isPatch, kindOf } from "../kinds.ts";
import { idOf, readLive, type Target, targetOf, titleOf } from "../objects.ts";
import { managerFor, previewed } from "../state.ts";
import { containsUnknown, type JsonObject } from "../values.ts";
import { remove } from "./delete.ts";
import { toPatch } from "./patch.ts";
import { awaitReady, findResource, isNotThereYet, reasonsOf, write } from "./write.ts";

export interface CreateRequest {
  readonly urn: string;
  readonly inputs: JsonObject;
  /** From `customTimeouts`; 0 when unset. */
  readonly timeoutSeconds: number;
  readonly preview: boolean;
  /** Whether this is the successor of an object that may still be there while the update is previewed. */
  readonly isReplacement: boolean;
}

export interface Outcome {
  readonly id: string;
  readonly live: JsonObject;
  readonly manager: string;
  /** Why the object is not what was waited for; empty when all is well. */
  readonly reasons: readonly string[];
}

const DELETION_SECONDS = 600;

/**
 * Makes the object. One that exists already is taken on only if this very resource made it (an interrupted run); anybody else's
 * is left alone.
 */
export async function create(context: Context, request: CreateRequest): Promise<Outcome> {
  return request.preview ? await previewCreation(context, request) : await createForReal(context, request);
}

async function createForReal(context: Context, request: CreateRequest): Promise<Outcome> {
  const { urn, inputs } = request;
  const resource = await findResource(context, inputs);
  const target = targetOf(context, resource, inputs);
  const manager = managerFor(urn, inputs, undefined);
  const existing = await readLive(context, target);
  if (isPatch(urn, inputs)) {
    const object = toPatch(target, inputs, existing);
    const { body } = await write(context, { urn, target, object, oldInputs: {}, manager, dryRun: false, ignored: [] });
    return { id: idOf(body), live: body, manager, reasons: [] };
  }
  if (existing !== undefined && isDeleting(existing)) await waitForPredecessor(context, request, target, existing);
  else if (existing !== undefined) await adopt(context, urn, target, existing, manager);
  const body = await writeOrMakeAnew(context, request, target, manager, existing);
  const { live, failure } = await awaitReady(context, urn, target, inputs, body, request.timeoutSeconds);
  return { id: idOf(live), live, manager, reasons: failure === undefined ? [] : reasonsOf(target, failure) };
}

/** What an interrupted run left may differ from the program in what cannot be changed; then it goes, and comes anew. */
async function writeOrMakeAnew(
  context: Context,
  request: CreateRequest,
  target: Target,
  manager: string,
  existing: JsonObject | undefined,
): Promise<JsonObject> {
  const { urn, inputs } = request;
  const attempt = { urn, target, object: inputs, oldInputs: {}, manager, dryRun: false, ignored: [] };
  try {
    return (await write(context, attempt)).body;
  } catch (error) {
    const cause = (error as Error).cause;
    const isFixed = cause instanceof ApiError && refusedChanges(cause, []) !== undefined;
    if (existing === undefined || !isFixed || !isMadeBy(existing, manager)) throw error;
    await context.log.write(
      "info",
      `${titleOf(target)} from an interrupted run cannot be changed in place: made anew`,
      urn,
    );
    const id = idOf(existing);
    const state = { live: existing, manager };
    await remove(context, { urn, id, inputs, state, timeoutSeconds: request.timeoutSeconds });
    return (await write(context, attempt)).body;
  }
}

const isMadeBy = (live: JsonObject, manager: string): boolean =>
  managersOf(live).some(({ name, operation }) => operation === "Apply" && name === manager);

async function waitForPredecessor(
  context: Context,
  request: CreateRequest,
  target: Target,
  live: JsonObject,
): Promise<void> {
  await waitUntilGone({
    client: context.client,
    signal: context.signal,
    resource: target.resource,
    live,
    timeoutMillis: timeoutMillis(request.inputs, request.timeoutSeconds, DELETION_SECONDS),
    onProgress: (message) =>
      void context.log.write("info", `${titleOf(target)} of the same name: ${message}`, request.urn, true),
  });
}

/** @throws Error when the object is somebody else's */
async function adopt(context: Context, urn: string, target: Target, live: JsonObject, manager: string): Promise<void> {
  const managers = managersOf(live);
  const isOwn = isMadeBy(live, manager);
  if (isOwn || context.configuration.upsertExistingObjects) {
    await context.log.write(
      "info",
      `${titleOf(target)} exists already${isOwn ? " from an interrupted run" : ""}: adopted`,
      urn,
    );
    return;
  }
  const owners = [...new Set(managers.map(({ name }) => JSON.stringify(name)))];
  throw new Error(
    `${titleOf(target)} exists already and was not made by this resource (managed by ${owners.join(", ") || "nobody known"}). ` +
      `Import it (pulumi import ${kindOf(live).kind === "" ? "TYPE" : typeToken(live)} NAME ${idOf(live)}), delete it, give this one another ` +
      "name, or set kubernetes:upsertExistingObjects to take over objects that exist.",
  );
}

const typeToken = (live: JsonObject): string => {
  const { group, version, kind } = kindOf(live);
  return `kubernetes:${group === "" ? "core" : group}/${version}:${kind}`;
};

/**
 * What creating would give. Unknown inputs, kinds and namespaces that the same update makes, and webhooks that refuse dry runs
 * leave only what the program says.
 */
async function previewCreation(context: Context, request: CreateRequest): Promise<Outcome> {
  const { urn, inputs } = request;
  const manager = managerFor(urn, inputs, undefined);
  const asDeclared = { id: "", live: previewed(inputs, inputs, true), manager, reasons: [] };
  if (containsUnknown(inputs)) return asDeclared;
  const resource = await context.discovery.find(kindOf(inputs));
  if (resource === undefined) return asDeclared;
  const target = targetOf(context, resource, inputs);
  const existing = await readLive(context, target);
  const patches = isPatch(urn, inputs);
  // What is not there yet may be made by the same update.
  if (patches && existing === undefined) return asDeclared;
  if (existing !== undefined && !patches && (request.isReplacement || isDeleting(existing))) return asDeclared;
  if (existing !== undefined && !patches) await adopt(context, urn, target, existing, manager);
  try {
    const { body } = await write(context, {
      urn,
      target,
      object: inputs,
      oldInputs: {},
      manager,
      dryRun: true,
      ignored: [],
    });
    return { ...asDeclared, live: previewed(body, inputs, existing === undefined) };
  } catch (error) {
    if (isNotThereYet(error) || isDryRunRefused((error as Error).cause)) return asDeclared;
    throw error;
  }
}
