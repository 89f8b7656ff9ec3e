import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";

/** Resources a run touched, by what was done to them. Names are `<kind> <namespace/name>` where the id is known. */
export interface Changes {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly replaced: readonly string[];
  readonly deleted: readonly string[];
  /** What differed in the datacenter from what was last applied, one sentence each. */
  readonly drift: readonly string[];
  /** Mandatory policy violations, one sentence each. */
  readonly violations: readonly string[];
  /** Errors of the engine and its providers. */
  readonly errors: readonly string[];
}

export const NO_CHANGES: Changes = {
  created: [],
  updated: [],
  replaced: [],
  deleted: [],
  drift: [],
  violations: [],
  errors: [],
};

/** `kubernetes:apps/v1:Deployment` and its URN become `Deployment mail-triage`. */
export function describeResource(metadata: Pick<StepEventMetadata, "type" | "urn" | "old" | "new">): string {
  const kind = metadata.type.split(":").at(-1) ?? metadata.type;
  const id = metadata.new?.id || metadata.old?.id;
  return `${kind} ${id || (metadata.urn.split("::").at(-1) ?? metadata.urn)}`;
}

/**
 * Deployments that one run of the engine left with another number of servers than it had declared before in that same run: it
 * deletes last, and KEDA, when the ScaledObject of a Deployment goes, gives the Deployment the number it had before it was
 * scaled. The next run takes the declared number back. Names as in {@link Changes}.
 */
export function leftRescaled({ deleted }: Changes): string[] {
  const gone = new Set(deleted);
  return deleted.flatMap((name) => {
    const [kind, id] = name.split(" ");
    const deployment = `Deployment ${id}`;
    return kind === "ScaledObject" && !gone.has(deployment) ? [deployment] : [];
  });
}

/** Components and the stack itself exist in the state only: a change of theirs is not a change of the datacenter. */
export function isReal(metadata: StepEventMetadata): boolean {
  return (metadata.new?.custom ?? metadata.old?.custom ?? false) && !metadata.type.startsWith("pulumi:");
}

/** The engine's messages carry the markup of its colours. */
export function withoutMarkup(message: string): string {
  return message.replace(/<\{%[^%]*%\}>/g, "").trim();
}

/** A provider's reason may leave out of what it speaks: `timed out waiting for the condition`. */
function withResource(text: string, urn: string | undefined): string {
  const [type = "", name = ""] = urn?.split("::").slice(-2) ?? [];
  if (urn === undefined || type === "pulumi:pulumi:Stack" || text.includes(name)) return text;
  return `${describeResource({ type, urn })}: ${text}`;
}

/** Adds one engine event to what is known of a run. Pure; events may come in any order. */
export function addEvent(changes: Changes, event: EngineEvent): Changes {
  if (event.policyEvent !== undefined) {
    const { enforcementLevel, message, policyName, resourceUrn } = event.policyEvent;
    if (enforcementLevel !== "mandatory") {
      return changes;
    }
    const where = resourceUrn?.split("::").at(-1) ?? "the stack";
    return { ...changes, violations: [...changes.violations, `${policyName}, ${where}: ${withoutMarkup(message)}`] };
  }
  if (event.diagnosticEvent !== undefined) {
    const { severity, message, urn } = event.diagnosticEvent;
    const text = withoutMarkup(message);
    return severity === "error" && text !== ""
      ? { ...changes, errors: [...changes.errors, withResource(text, urn)] }
      : changes;
  }
  const metadata = event.resOutputsEvent?.metadata;
  if (metadata === undefined || event.resOutputsEvent?.planning === true || !isReal(metadata)) {
    return changes;
  }
  const name = describeResource(metadata);
  switch (metadata.op) {
    case "create":
      return { ...changes, created: [...changes.created, name] };
    case "update":
      return { ...changes, updated: [...changes.updated, name] };
    case "replace":
      return { ...changes, replaced: [...changes.replaced, name] };
    case "delete":
      return { ...changes, deleted: [...changes.deleted, name] };
    case "refresh": {
      const drift = describeDrift(name, metadata);
      return drift === undefined ? changes : { ...changes, drift: [...changes.drift, drift] };
    }
    default:
      return changes;
  }
}

/** What a refresh found, or undefined where the datacenter is as it was left. */
function describeDrift(name: string, metadata: StepEventMetadata): string | undefined {
  if (metadata.new === undefined || metadata.new === null) {
    return `${name} was deleted outside Millwright`;
  }
  const paths = differingPaths(metadata.old?.inputs ?? {}, metadata.new.inputs ?? {});
  return paths.length === 0 ? undefined : `${name} was changed outside Millwright: ${paths.join(", ")}`;
}

/** Property paths at which two plain values differ, in Pulumi's notation, sorted. */
export function differingPaths(left: unknown, right: unknown, path = ""): string[] {
  if (Object.is(left, right)) {
    return [];
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    const length = Math.max(left.length, right.length);
    return Array.from({ length }, (_, i) => differingPaths(left[i], right[i], `${path}[${i}]`)).flat();
  }
  if (isObject(left) && isObject(right)) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
    return keys.flatMap((key) => differingPaths(left[key], right[key], path === "" ? key : `${path}.${key}`));
  }
  return [path];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Adds up the changes of several runs of the engine. */
export function mergeChanges(a: Changes, b: Changes): Changes {
  return {
    created: [...a.created, ...b.created],
    updated: [...a.updated, ...b.updated],
    replaced: [...a.replaced, ...b.replaced],
    deleted: [...a.deleted, ...b.deleted],
    drift: [...a.drift, ...b.drift],
    violations: [...a.violations, ...b.violations],
    errors: [...a.errors, ...b.errors],
  };
}
