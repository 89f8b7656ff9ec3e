import { annotations, isAnnotated } from "../annotations.ts";
import { ApiError, isDryRunRefused, isNotFound } from "../apiError.ts";
import { awaiterFor } from "../await/awaiters.ts";
import type { Context } from "../context.ts";
import { allChanges, type Diff, describe, noDiff } from "../diff.ts";
import type { ApiResource } from "../discovery.ts";
import { allFields } from "../fields.ts";
import { refusedChanges, replacingChanges } from "../immutability.ts";
import { kindOf } from "../kinds.ts";
import { apply, explain, readLive, type Target, targetOf } from "../objects.ts";
import { project } from "../projection.ts";
import { managerFor, type State } from "../state.ts";
import {
  type Change,
  containsUnknown,
  equal,
  isObject,
  isWithin,
  type JsonObject,
  type Path,
  parsePath,
  withoutValue,
} from "../values.ts";

export interface DiffRequest {
  readonly urn: string;
  readonly oldInputs: JsonObject;
  readonly newInputs: JsonObject;
  readonly state: State;
  readonly ignoreChanges: readonly string[];
}

/** Kinds without namespaces: an assumed namespace (made before the kind was known) is no difference. */
const scoped = (object: JsonObject, resource: ApiResource | undefined): JsonObject =>
  resource === undefined || resource.namespaced ? object : withoutValue(object, ["metadata", "namespace"]);

interface DryRun {
  /** The live object in the shape of the new inputs: where it differs, applying them would change it. */
  readonly drifted: JsonObject | undefined;
  /** The server's refusal, if it refused. */
  readonly refusal: ApiError | undefined;
}

async function dryRun(context: Context, target: Target, request: DiffRequest): Promise<DryRun> {
  const manager = managerFor(request.urn, request.newInputs, request.state);
  const [live, applied] = await Promise.all([
    readLive(context, target),
    apply(context, target, request.newInputs, { manager, force: true, dryRun: true }).catch((error: unknown) => {
      if (error instanceof ApiError) return error;
      throw error;
    }),
  ]);
  if (applied instanceof ApiError) return { drifted: undefined, refusal: applied };
  if (live === undefined) return { drifted: undefined, refusal: undefined };
  const drifted = project(request.newInputs, live, applied.body, allFields(live));
  return { drifted: isObject(drifted) ? drifted : undefined, refusal: undefined };
}

/** `pulumi.com/replaceUnready`: a Job that is not complete is made anew. */
async function replacesUnready(context: Context, target: Target, request: DiffRequest): Promise<boolean> {
  if (!isAnnotated(request.newInputs, annotations.replaceUnready) || target.resource.kind !== "Job") return false;
  const live = await readLive(context, target);
  return (
    live !== undefined && awaiterFor({ apiVersion: "batch/v1", kind: "Job" })?.readiness(live, {}).state !== "ready"
  );
}

/**
 * What an update would change. Equal inputs need no request: nothing is asked of the cluster and nothing changes. Otherwise the
 * server is asked what applying the new inputs would do, unless they hold unknowns or name another object.
 */
export async function diff(context: Context, request: DiffRequest): Promise<Diff> {
  const unready = isAnnotated(request.newInputs, annotations.replaceUnready);
  if (equal(request.oldInputs, request.newInputs) && !unready) return noDiff;

  const resource = await context.discovery.find(kindOf(request.newInputs));
  const oldInputs = scoped(request.oldInputs, resource);
  const newInputs = scoped(request.newInputs, resource);
  const ignored = request.ignoreChanges.map(parsePath);
  const counted = (changes: readonly Change[]): Change[] =>
    changes.filter((change) => !ignored.some((path) => isWithin(change.path, path)));

  const isImported = request.state.manager === undefined;
  let changes = counted(allChanges(oldInputs, newInputs, undefined)).filter(
    (change) => !(isImported && change.kind === "delete"),
  );
  let replacing = replacingChanges(changes, oldInputs, newInputs, context.configuration);
  if (
    resource !== undefined &&
    unready &&
    (await replacesUnready(context, targetOf(context, resource, oldInputs), request))
  ) {
    replacing = [...replacing, ["metadata", "annotations", annotations.replaceUnready]];
  }
  if (resource !== undefined && changes.length > 0 && replacing.length === 0 && !containsUnknown(newInputs)) {
    const target = targetOf(context, resource, newInputs);
    const { drifted, refusal } = await dryRun(context, target, { ...request, newInputs });
    if (refusal === undefined) {
      changes = counted(imported(isImported, changes, allChanges(oldInputs, newInputs, drifted), drifted, newInputs));
      replacing = replacingChanges(changes, oldInputs, newInputs, context.configuration);
    } else {
      replacing = judgeRefusal(refusal, changes, target);
    }
  }
  return describe(changes, replacing, oldInputs, newInputs);
}

/** What an import declares differs only where applying it would change the live object. */
function imported(
  isImported: boolean,
  known: readonly Change[],
  all: readonly Change[],
  drifted: JsonObject | undefined,
  newInputs: JsonObject,
): readonly Change[] {
  if (!isImported) return all;
  return drifted === undefined ? known : allChanges(drifted, newInputs, undefined);
}

function judgeRefusal(refusal: ApiError, changes: readonly Change[], target: Target): Path[] {
  const refused = refusedChanges(refusal, changes);
  if (refused !== undefined) return refused;
  // What cannot be asked (a missing namespace, a webhook without dry run) is judged by the table alone.
  if (isNotFound(refusal) || isDryRunRefused(refusal)) return [];
  throw explain(refusal, target, "apply this change");
}
