import { ApiError, isNotFound } from "./apiError.ts";
import type { Context } from "./context.ts";
import { type ApiResource, apiPath } from "./discovery.ts";
import { apiVersionOf, type GroupVersionKind, kindKey } from "./kinds.ts";
import type { Answer } from "./rest.ts";
import { type JsonObject, textAt } from "./values.ts";

/** One object in the cluster. */
export interface Target {
  readonly resource: ApiResource;
  readonly namespace: string | undefined;
  readonly name: string;
}

export const targetOf = (context: Context, resource: ApiResource, object: JsonObject): Target => ({
  resource,
  namespace: resource.namespaced ? (textAt(object, "metadata", "namespace") ?? context.defaultNamespace) : undefined,
  name: textAt(object, "metadata", "name") ?? "",
});

export const pathOf = ({ resource, namespace, name }: Target): string => apiPath(resource, namespace, name);

/** The id Pulumi knows an object by: `namespace/name`, or `name` where the kind has no namespaces. */
export const idOf = (object: JsonObject): string => {
  const namespace = textAt(object, "metadata", "namespace");
  const name = textAt(object, "metadata", "name") ?? "";
  return namespace === undefined ? name : `${namespace}/${name}`;
};

export function targetOfId(context: Context, resource: ApiResource, id: string): Target {
  const slash = id.indexOf("/");
  const name = id.slice(slash + 1);
  if (!resource.namespaced) return { resource, namespace: undefined, name };
  return { resource, namespace: slash < 0 ? context.defaultNamespace : id.slice(0, slash), name };
}

/** `Deployment default/web`. */
export const titleOf = ({ resource, namespace, name }: Target): string =>
  `${resource.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;

/** The live object, or undefined when the API server says that there is none. */
export async function readLive(context: Context, target: Target): Promise<JsonObject | undefined> {
  try {
    return (await context.client.request("GET", pathOf(target), { signal: context.signal })).body;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export interface ApplyOptions {
  readonly manager: string;
  /** Take over fields that others own. */
  readonly force: boolean;
  /** Have the server check and answer, and change nothing. */
  readonly dryRun: boolean;
}

/** Server-side apply. The answer's status is 201 when the object did not exist. */
export async function apply(
  context: Context,
  target: Target,
  object: JsonObject,
  options: ApplyOptions,
): Promise<Answer> {
  return await context.client.request("PATCH", pathOf(target), {
    query: {
      fieldManager: options.manager,
      force: String(options.force),
      fieldValidation: "Strict",
      dryRun: options.dryRun ? "All" : undefined,
    },
    contentType: "application/apply-patch+yaml",
    body: object,
    signal: context.signal,
  });
}

/** What to say when the API server has no such kind. */
export function unknownKind(kind: GroupVersionKind): string {
  return (
    `the cluster has no kind ${kindKey(kind)}. If a CustomResourceDefinition provides it, install that first ` +
    `(dependsOn), or correct the apiVersion ${apiVersionOf(kind)}.`
  );
}

/** The API server's refusal as a sentence that names the object and the fields. */
export function explain(error: unknown, target: Target | undefined, doing: string): Error {
  const title = target === undefined ? "" : `${titleOf(target)}: `;
  if (!(error instanceof ApiError)) return error instanceof Error ? error : new Error(String(error));
  const causes = error.causes.filter((cause) => cause.field !== "" && !error.message.includes(cause.field));
  const fields = causes.map((cause) => `\n  ${cause.field}: ${cause.message}`).join("");
  return new Error(`${title}the Kubernetes API server refused to ${doing}: ${error.message}${fields}`, {
    cause: error,
  });
}
