import { isDeepStrictEqual } from "node:util";
import { describeObject, identityOf, keyOf, memberOf, type ObjectIdentity } from "./identity.ts";

/** A resource as the state has it. */
export interface KnownResource {
  readonly urn: string;
  readonly type: string;
  readonly inputs?: unknown;
  /** It was replaced and is still to be deleted. */
  readonly delete?: boolean;
}

/** A resource as the program declares it. */
export interface DeclaredResource {
  readonly urn: string;
  readonly type: string;
  /** Plain data; `undefined` where a value is not known yet. */
  readonly inputs: unknown;
  readonly ignoreChanges: readonly string[];
}

/** The state, to be asked by resource and by object. */
export interface Known {
  readonly byUrn: ReadonlyMap<string, KnownResource>;
  /** The resources that are an object: more than one where a run that renamed it was interrupted. */
  readonly byObject: ReadonlyMap<string, readonly KnownResource[]>;
}

/** What is lost for a while, or for good, when an object of the kind is deleted and made anew. */
type Loss = "serves" | "holds data" | "runs";

interface Kept {
  readonly loss: Loss;
  /**
   * Fields of which a change makes the official provider delete and create. Source: forceNew in provider/pkg/provider/diff.go
   * of github.com/pulumi/pulumi-kubernetes at 4.25.
   */
  readonly replacedBy: readonly string[];
}

const KEPT: Readonly<Record<string, Kept>> = {
  Deployment: { loss: "serves", replacedBy: ["spec.selector"] },
  DaemonSet: { loss: "serves", replacedBy: ["spec.selector"] },
  StatefulSet: {
    loss: "serves",
    replacedBy: [
      "spec.podManagementPolicy",
      "spec.revisionHistoryLimit",
      "spec.selector",
      "spec.serviceName",
      "spec.volumeClaimTemplates",
    ],
  },
  Service: { loss: "serves", replacedBy: ["spec.clusterIP"] },
  Job: { loss: "runs", replacedBy: ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"] },
  PersistentVolumeClaim: {
    loss: "holds data",
    replacedBy: ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  },
  PersistentVolume: {
    loss: "holds data",
    replacedBy: ["spec.csi", "spec.hostPath", "spec.local", "spec.nfs"],
  },
  Namespace: { loss: "holds data", replacedBy: [] },
};

/** Kinds that hold data by themselves: deleting a volume's object deletes nothing, and a new one may take the volume up again. */
const DELETED_WITH_DATA: readonly string[] = ["Namespace", "PersistentVolumeClaim"];

/** Indexes the resources of a state. */
export function knownOf(resources: readonly KnownResource[]): Known {
  const living = resources.filter((resource) => resource.delete !== true);
  const byObject = new Map<string, KnownResource[]>();
  for (const resource of living) {
    const identity = identityOf(resource.type, resource.inputs);
    if (identity === undefined) continue;
    const key = keyOf(identity);
    byObject.set(key, [...(byObject.get(key) ?? []), resource]);
  }
  return { byUrn: new Map(living.map((resource) => [resource.urn, resource])), byObject };
}

/**
 * The URN under which the state has the object that a resource of another URN now declares. As an alias it keeps the object:
 * without one the engine makes the object (which is there, and is taken over) and then deletes it, as the resource it was.
 */
export function aliasOf(
  { urn, type, inputs }: Omit<DeclaredResource, "ignoreChanges">,
  known: Known,
): string | undefined {
  if (known.byUrn.has(urn)) return undefined;
  const identity = identityOf(type, inputs);
  const holders = identity === undefined ? [] : (known.byObject.get(keyOf(identity)) ?? []);
  return holders.length === 1 ? holders[0]?.urn : undefined;
}

/**
 * What a run must not do unasked, one sentence with its remedy each: delete and make anew what serves, runs or holds data, or
 * delete a claim or a namespace with all that is in it.
 *
 * @param allowed objects that the user named by `--replace`, as {@link describeObject} writes them
 */
export function judge(declared: readonly DeclaredResource[], known: Known, allowed: ReadonlySet<string>): string[] {
  const urns = new Set(declared.map(({ urn }) => urn));
  const aliases = new Map(declared.map((resource) => [resource, aliasOf(resource, known)]));
  const taken = new Set([...aliases.values()].filter((urn) => urn !== undefined));
  const problems: string[] = [];

  for (const resource of declared) {
    const identity = identityOf(resource.type, resource.inputs);
    if (identity === undefined) continue;
    const alias = aliases.get(resource);
    if (alias !== undefined && urns.has(alias)) {
      problems.push(swapped(identity, resource.urn, alias));
      continue;
    }
    const doubles = (known.byObject.get(keyOf(identity)) ?? []).filter(
      ({ urn }) => urn !== resource.urn && urn !== alias && !urns.has(urn),
    );
    problems.push(...doubles.map(({ urn }) => doubled(identity, urn)));
    const before = known.byUrn.get(alias ?? resource.urn);
    const problem = before === undefined ? undefined : replacement(identity, before, resource);
    if (problem !== undefined && !allowed.has(describeObject(problem.object))) problems.push(problem.text);
  }

  for (const { urn, type, inputs } of known.byUrn.values()) {
    const identity = identityOf(type, inputs);
    if (identity === undefined || !DELETED_WITH_DATA.includes(identity.kind)) continue;
    if (urns.has(urn) || taken.has(urn) || allowed.has(describeObject(identity))) continue;
    problems.push(
      `${describeObject(identity)} is no longer declared: deleting it would delete everything in it. ${consent(identity)}`,
    );
  }
  return problems;
}

/** What would be deleted and made anew, and why. */
function replacement(
  identity: ObjectIdentity,
  before: KnownResource,
  { inputs, ignoreChanges }: DeclaredResource,
): { readonly object: ObjectIdentity; readonly text: string } | undefined {
  const kept = KEPT[identity.kind];
  if (kept === undefined) return undefined;
  const old = identityOf(before.type, before.inputs);
  if (old !== undefined && keyOf(old) !== keyOf(identity)) {
    // Another run beside it, which is how a run is changed: its name says what it does.
    if (kept.loss === "runs") return undefined;
    const text = `${describeObject(old)} ${kept.loss} and would be deleted: its resource now declares ${describeObject(identity)}. ${consent(old)}`;
    return { object: old, text };
  }
  const changed = kept.replacedBy.filter(
    (path) => !isIgnored(path, ignoreChanges) && differs(at(before.inputs, path), at(inputs, path)),
  );
  if (changed.length === 0) return undefined;
  const text = `${describeObject(identity)} ${kept.loss} and would be deleted and made anew, because ${changed.join(", ")} changed. ${consent(identity)}`;
  return { object: identity, text };
}

function consent(identity: ObjectIdentity): string {
  const allow = `run again with --replace "${describeObject(identity)}"`;
  return KEPT[identity.kind]?.loss === "holds data"
    ? `Take the change back; or bring its data to safety and ${allow}, which deletes it.`
    : `Take the change back; or, where it may be away for a moment, ${allow}.`;
}

function swapped(identity: ObjectIdentity, urn: string, other: string): string {
  return `${describeObject(identity)} is declared by the resource ${nameOf(urn)}, and was by ${nameOf(other)}, which now declares another object. Give both their names back, and rename one at a time.`;
}

function doubled(identity: ObjectIdentity, urn: string): string {
  return `${describeObject(identity)} is in the state twice, and the resource ${nameOf(urn)} no longer declares it: the engine would delete the object that is in use. Remove that entry, which touches no object: pulumi state delete '${urn}'.`;
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** A path is ignored with everything that is in it. */
function isIgnored(path: string, ignored: readonly string[]): boolean {
  return ignored.some((each) => path === each || path.startsWith(`${each}.`) || path.startsWith(`${each}[`));
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => (inner === UNKNOWN ? UNKNOWN : memberOf(inner, key)), value);
}

/** Whether two values differ beyond what the provider writes for nothing: empty texts, lists and objects, and nulls. */
function differs(before: unknown, after: unknown): boolean {
  if (hasUnknown(after)) return false;
  return !isDeepStrictEqual(substance(before), substance(after));
}

/** Stands for a value that is known only later: nothing can be said of it. */
export const UNKNOWN = Symbol("unknown");

function hasUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

function substance(value: unknown): unknown {
  if (value === null || value === "" || value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(substance);
  if (typeof value !== "object") return value;
  const members = Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
    const inner = substance(member);
    return inner === undefined ? [] : [[key, inner]];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
