import { type JsonObject, textAt } from "./values.ts";

export interface GroupVersionKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export const apiVersionOf = ({ group, version }: GroupVersionKind): string =>
  group === "" ? version : `${group}/${version}`;

/** `apps/v1/Deployment`, `v1/Service`: the way an awaiter or a table names a kind. */
export const kindKey = (kind: GroupVersionKind): string => `${apiVersionOf(kind)}/${kind.kind}`;

export function kindOf(object: JsonObject): GroupVersionKind {
  const apiVersion = textAt(object, "apiVersion") ?? "";
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind: textAt(object, "kind") ?? "",
  };
}

/** What only the official plugin does, by the group its tokens lie in. */
const refusedGroups: Readonly<Record<string, string>> = {
  "helm.sh": "Helm releases and charts",
  kustomize: "kustomizations",
  yaml: "manifests read from YAML",
};

/** Thrown for what this provider does not do; `message` names it. */
export class Unsupported extends Error {}

export function refuse(token: string, what: string): Unsupported {
  return new Unsupported(
    `${token} is done by the official plugin only: this stand-in does not support ${what}. ` +
      "Declare the objects themselves, or run where Pulumi's plugin downloads can be reached.",
  );
}

/**
 * The kind behind a resource type token, e.g. `kubernetes:apps/v1:Deployment`.
 *
 * @throws Unsupported for Helm, kustomize and YAML tokens and for lists.
 */
export function kindOfToken(token: string): GroupVersionKind {
  const [, module = "", kind = ""] = token.split(":");
  const slash = module.lastIndexOf("/");
  const group = slash < 0 ? module : module.slice(0, slash);
  const refused = refusedGroups[group] ?? refusedGroups[module];
  if (refused !== undefined) throw refuse(token, refused);
  if (slash < 0)
    throw new Unsupported(`${token} is not the type of a Kubernetes object (kubernetes:GROUP/VERSION:KIND)`);
  if (kind.endsWith("List")) throw refuse(token, "list kinds; declare each object of the list");
  return { group: group === "core" ? "" : group, version: module.slice(slash + 1), kind };
}

/**
 * The kind of the object that a resource of this type changes without having made it: `Node` of a `NodePatch`; undefined of a
 * resource that makes its object.
 *
 * @param declared what the inputs say their kind is: a definition may call a kind of its own `...Patch`
 */
export function patchedKind(token: string, declared: unknown): string | undefined {
  const { kind } = kindOfToken(token);
  const patched = /^(.+)Patch$/.exec(kind)?.[1];
  return declared === undefined || declared === patched ? patched : undefined;
}

export const typeOfUrn = (urn: string): string => {
  const qualified = urn.split("::")[2] ?? "";
  return qualified.slice(qualified.lastIndexOf("$") + 1);
};

export const nameOfUrn = (urn: string): string => urn.split("::").slice(3).join("::");

/** Whether a resource changes an object that it has not made. */
export const isPatch = (urn: string, inputs: JsonObject): boolean =>
  patchedKind(typeOfUrn(urn), inputs["kind"]) !== undefined;
