import type { ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { ModelSpec } from "../../stacks/schema.ts";
import { labelsFor } from "../core/labels.ts";
import type { ServedVersion } from "../lifecycle/types.ts";
import { serviceAccountName, versionAddress } from "./addresses.ts";
import { renderPolicies } from "./policies.ts";
import { renderRouter } from "./router.ts";
import { renderScaledObject } from "./scaled-object.ts";
import type { EndpointArgs, Route } from "./types.ts";
import { renderVersion } from "./version.ts";

/**
 * The objects of an endpoint: those of each live version, and the router in front of them.
 *
 * @throws Error without any version; validateEndpoint tells of it before
 */
export function renderEndpoint(args: EndpointArgs) {
  const versions = liveVersions(args);
  const [first] = versions;
  if (first === undefined) {
    throw new Error("an endpoint without a version has nothing to render");
  }
  return {
    serviceAccount: renderServiceAccount(first.model, args),
    versions: versions.map((version) => renderVersion(version, args, version === args.canary?.version)),
    router: renderRouter(first.model, routesOf(args), args),
    scaledObjects: renderScaledObjects(versions, args),
    policies: renderPolicies(first.model, args),
  };
}

/** One of each version whose servers are scaled. */
function renderScaledObjects(versions: readonly ServedVersion[], args: EndpointArgs) {
  const routes = routesOf(args);
  return versions.flatMap((version) => {
    const weight = routes.find((route) => route.version === version.version)?.weight ?? 100;
    const rendered = renderScaledObject(version, { weight, isJudged: args.canary !== undefined }, args);
    return rendered === undefined ? [] : [rendered];
  });
}

/**
 * Where requests may go. The one on trial is called `candidate` wherever it stands, beside a stable version or alone,
 * so that whoever judges it finds its counters; with its promotion it becomes `stable`.
 */
export function routesOf({ stable, canary, artifacts: { namespace } }: EndpointArgs): Route[] {
  const route = (server: Route["server"], { version }: ServedVersion, weight: number): Route => ({
    server,
    version,
    weight,
    address: versionAddress(version, namespace),
  });
  if (canary === undefined) {
    return stable === undefined ? [] : [route("stable", stable, 100)];
  }
  return stable === undefined
    ? [route("candidate", canary.version, 100)]
    : [route("stable", stable, 100 - canary.weight), route("candidate", canary.version, canary.weight)];
}

/** The stable version before the canary. */
function liveVersions({ stable, canary }: EndpointArgs): ServedVersion[] {
  return [stable, canary?.version].filter((version) => version !== undefined);
}

/** An identity with no rights: neither a server nor a router asks the cluster anything. */
function renderServiceAccount({ name }: ModelSpec, { artifacts }: EndpointArgs) {
  return {
    metadata: {
      name: serviceAccountName(name),
      namespace: artifacts.namespace,
      labels: labelsFor({ component: "serving", model: name }),
    },
    automountServiceAccountToken: false,
  } satisfies ServiceAccountArgs;
}
