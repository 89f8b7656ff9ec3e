import { annotations, isAnnotated } from "../annotations.ts";
import { awaiterFor } from "../await/awaiters.ts";
import { ExpressionProblem } from "../await/jsonpath.ts";
import type { Context } from "../context.ts";
import { apiVersionOf, kindOfToken, patchedKind, typeOfUrn } from "../kinds.ts";
import { autoname } from "../naming.ts";
import {
  containsUnknown,
  isObject,
  isUnknown,
  type Json,
  type JsonObject,
  textAt,
  withoutValue,
  withValue,
} from "../values.ts";

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface CheckRequest {
  readonly urn: string;
  /** The inputs of the last run; undefined for a new object and for the successor of one that is being replaced. */
  readonly olds: JsonObject | undefined;
  readonly news: JsonObject;
  /** What the stack's autonaming configuration says, if anything. */
  readonly autonaming: { readonly mode: "propose" | "enforce" | "disable"; readonly proposedName: string } | undefined;
}

export interface CheckResult {
  readonly inputs: JsonObject;
  readonly failures: readonly CheckFailure[];
}

/** Names that objects had when they were checked for an update: a replacement must get another one. */
export type Predecessors = Map<string, string>;

function failed(inputs: JsonObject, property: string, reason: string): CheckResult {
  return { inputs, failures: [{ property, reason }] };
}

/** What is wrong with the shape that everything else takes for granted. */
function shapeFailure(news: JsonObject, apiVersion: string, kind: string): CheckFailure | undefined {
  const given = news["kind"];
  if (given !== undefined && given !== kind) {
    return { property: "kind", reason: `is ${JSON.stringify(given)}, but the resource is a ${kind}` };
  }
  const version = news["apiVersion"];
  if (version !== undefined && !isUnknown(version) && typeof version !== "string") {
    return { property: "apiVersion", reason: `must be a string such as ${JSON.stringify(apiVersion)}` };
  }
  const metadata = news["metadata"];
  if (metadata !== undefined && !isObject(metadata) && !isUnknown(metadata)) {
    return { property: "metadata", reason: "must be an object" };
  }
  if (isObject(metadata) && metadata["generateName"] !== undefined) {
    return {
      property: "metadata.generateName",
      reason: "is not supported with server-side apply; leave metadata.name out to get a generated name",
    };
  }
  return undefined;
}

function annotationFailure(inputs: JsonObject): CheckFailure | undefined {
  if (containsUnknown((inputs["metadata"] as JsonObject | undefined)?.["annotations"])) return undefined;
  try {
    awaiterFor(inputs);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionProblem)) throw error;
    return { property: `metadata.annotations["${annotations.waitFor}"]`, reason: error.message };
  }
}

function named(request: CheckRequest, inputs: JsonObject, predecessors: Predecessors): JsonObject {
  const { urn, olds } = request;
  const oldName = textAt(olds, "metadata", "name");
  const wasAutonamed = olds !== undefined && isAnnotated(olds, annotations.autonamed);
  if (oldName !== undefined && wasAutonamed) predecessors.set(urn, oldName);
  const proposed = request.autonaming?.proposedName;
  const name = wasAutonamed && oldName !== undefined ? oldName : (proposed ?? autoname(urn, predecessors.get(urn)));
  return withValue(
    withValue(inputs, ["metadata", "name"], name),
    ["metadata", "annotations", annotations.autonamed],
    "true",
  );
}

/** Fills in what the program may leave out: kind, apiVersion, name and namespace. Asks the cluster for scopes only. */
export async function check(context: Context, request: CheckRequest, predecessors: Predecessors): Promise<CheckResult> {
  const token = typeOfUrn(request.urn);
  const { news } = request;
  const patched = patchedKind(token, news["kind"]);
  const tokenKind = { ...kindOfToken(token), ...(patched === undefined ? {} : { kind: patched }) };
  const apiVersion = apiVersionOf(tokenKind);
  const failure = shapeFailure(news, apiVersion, tokenKind.kind);
  if (failure !== undefined) return { inputs: news, failures: [failure] };
  let inputs: JsonObject = { ...news, apiVersion: news["apiVersion"] ?? apiVersion, kind: tokenKind.kind };
  if (tokenKind.kind === "CustomResourceDefinition") context.discovery.announce(inputs);

  const metadata: Json = inputs["metadata"] ?? {};
  if (isUnknown(metadata)) return { inputs, failures: [] };
  if (!isObject(metadata) || metadata["name"] === undefined) {
    if (patched !== undefined) {
      return failed(inputs, "metadata.name", `must name the ${patched} that is patched`);
    }
    if (request.autonaming?.mode === "disable") {
      return failed(inputs, "metadata.name", "must be set: this stack's configuration disables generated names");
    }
    inputs = named(request, inputs, predecessors);
  }
  const namespaced = await context.discovery.isNamespaced(tokenKind);
  const namespace = (inputs["metadata"] as JsonObject)["namespace"];
  if (namespaced && namespace === undefined)
    inputs = withValue(inputs, ["metadata", "namespace"], context.defaultNamespace);
  if (!namespaced && namespace !== undefined) inputs = withoutValue(inputs, ["metadata", "namespace"]);
  const wrong = annotationFailure(inputs);
  return { inputs, failures: wrong === undefined ? [] : [wrong] };
}
