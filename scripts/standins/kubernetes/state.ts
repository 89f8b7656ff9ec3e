import { annotationOf, annotations } from "./annotations.ts";
import { fieldManager } from "./naming.ts";
import { secrecyOf } from "./secrets.ts";
import { isObject, type JsonObject, textAt, UNKNOWN, withValue } from "./values.ts";
import type { Properties, Secrecy } from "./wire.ts";

/** Bookkeeping beside the live object in a resource's outputs; the official plugin reads and writes the same keys. */
const FIELD_MANAGER = "__fieldManager";
const INPUTS = "__inputs";
const INITIAL_API_VERSION = "__initialApiVersion";

/** What the state holds of an object: as it is live, without who manages what, which only the live object can tell. */
function stored(live: JsonObject): JsonObject {
  if (!isObject(live["metadata"])) return live;
  const { managedFields: _managedFields, ...metadata } = live["metadata"];
  return { ...live, metadata };
}

export interface State {
  /** The object when it was last written or read. */
  readonly live: JsonObject;
  /** Undefined for what was imported and never applied. */
  readonly manager: string | undefined;
}

export function parseState(outputs: Properties): State {
  const { [FIELD_MANAGER]: manager, [INPUTS]: _inputs, [INITIAL_API_VERSION]: _version, ...live } = outputs.value;
  return { live, manager: typeof manager === "string" ? manager : undefined };
}

/** The manager a resource applies as: what its annotation says, else the one it was created with, else its own. */
export function managerFor(urn: string, object: JsonObject, state: State | undefined): string {
  return annotationOf(object, annotations.patchFieldManager) ?? state?.manager ?? fieldManager(urn);
}

/** The outputs to store, with everything secret marked. */
export function outputsOf(
  live: JsonObject,
  inputs: JsonObject,
  declared: Secrecy | undefined,
  manager: string | undefined,
): Properties {
  const object = stored(live);
  const value: JsonObject = {
    ...object,
    [INPUTS]: inputs,
    [INITIAL_API_VERSION]: textAt(inputs, "apiVersion") ?? textAt(live, "apiVersion") ?? "",
    ...(manager === undefined ? {} : { [FIELD_MANAGER]: manager }),
  };
  const inputSecrecy = secrecyOf(inputs, declared);
  const secrecy = secrecyOf(object, liveSecrecy(declared));
  if (inputSecrecy === undefined) return { value, secrecy };
  return { value, secrecy: { ...(secrecy === true ? {} : secrecy), [INPUTS]: inputSecrecy } };
}

/** Properties as a whole are never secret; only what is in them. */
const liveSecrecy = (declared: Secrecy | undefined): Secrecy | undefined => (declared === true ? undefined : declared);

/** What only the real write will tell; a dry run makes these up. */
const decidedByServer: Readonly<Record<string, readonly (readonly string[])[]>> = {
  PersistentVolumeClaim: [["spec", "volumeName"]],
  Pod: [["spec", "nodeName"]],
  Service: [
    ["spec", "clusterIP"],
    ["spec", "clusterIPs"],
  ],
};

const present = (object: JsonObject, path: readonly string[]): boolean => {
  let current: JsonObject[string] | undefined = object;
  for (const step of path) current = isObject(current) ? current[step] : undefined;
  return current !== undefined;
};

/**
 * What a preview promises: the object as the server would store it, with unknowns where only the real write decides.
 *
 * @param isNew an existing object keeps its uid and addresses
 */
export function previewed(object: JsonObject, inputs: JsonObject, isNew: boolean): JsonObject {
  const always: readonly (readonly string[])[] = [
    ["status"],
    ["metadata", "resourceVersion"],
    ["metadata", "generation"],
  ];
  const fresh: readonly (readonly string[])[] = [
    ["metadata", "uid"],
    ["metadata", "creationTimestamp"],
    ...(decidedByServer[textAt(inputs, "kind") ?? ""] ?? []),
  ];
  return [...always, ...(isNew ? fresh : [])]
    .filter((path) => !present(inputs, path))
    .reduce<JsonObject>((result, path) => withValue(result, path, UNKNOWN), object);
}
