import { isDryRunRefused } from "../apiError.ts";
import type { Context } from "../context.ts";
import { isPatch, kindOf } from "../kinds.ts";
import { idOf, readLive, targetOf } from "../objects.ts";
import { managerFor, previewed, type State } from "../state.ts";
import { containsUnknown, type JsonObject, parsePath } from "../values.ts";
import type { Outcome } from "./create.ts";
import { toPatch } from "./patch.ts";
import { awaitReady, findResource, isNotThereYet, reasonsOf, write } from "./write.ts";

export interface UpdateRequest {
  readonly urn: string;
  readonly id: string;
  readonly state: State;
  readonly oldInputs: JsonObject;
  readonly newInputs: JsonObject;
  readonly ignoreChanges: readonly string[];
  /** From `customTimeouts`; 0 when unset. */
  readonly timeoutSeconds: number;
  readonly preview: boolean;
}

/**
 * Applies the new inputs; what they no longer declare is removed. An object that is gone is made again, but for one that is
 * only patched.
 */
export async function update(context: Context, request: UpdateRequest): Promise<Outcome> {
  const { urn, oldInputs, newInputs, preview } = request;
  const manager = managerFor(urn, newInputs, request.state);
  const asDeclared: Outcome = {
    id: request.id,
    live: previewed({ ...request.state.live, ...newInputs }, newInputs, false),
    manager,
    reasons: [],
  };
  if (preview && (containsUnknown(newInputs) || (await context.discovery.find(kindOf(newInputs))) === undefined))
    return asDeclared;
  const resource = await findResource(context, newInputs);
  const target = targetOf(context, resource, newInputs);
  const ignored = request.ignoreChanges.map(parsePath);
  const object = isPatch(urn, newInputs) ? toPatch(target, newInputs, await readLive(context, target)) : newInputs;
  try {
    const { body } = await write(context, {
      urn,
      target,
      object,
      oldInputs,
      manager,
      dryRun: preview,
      ignored,
    });
    if (preview) return { ...asDeclared, live: previewed(body, newInputs, false) };
    const { live, failure } = await awaitReady(context, urn, target, newInputs, body, request.timeoutSeconds);
    return { id: idOf(live), live, manager, reasons: failure === undefined ? [] : reasonsOf(target, failure) };
  } catch (error) {
    if (preview && (isNotThereYet(error) || isDryRunRefused((error as Error).cause))) return asDeclared;
    throw error;
  }
}
