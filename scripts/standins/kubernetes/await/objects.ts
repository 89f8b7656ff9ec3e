import { at, equal, isObject, type JsonObject, listAt, objectAt, textAt } from "../values.ts";
import { conditionOf, nameOf } from "./conditions.ts";
import { type Awaiter, failed, ready, waiting } from "./types.ts";

const endpointSlices = {
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
};
const storageClasses = {
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  namespaced: false,
};

/** Services whose endpoints are nobody's promise: external names, headless ones, and those without a selector. */
function hasNoEndpointsToWaitFor(service: JsonObject): boolean {
  return (
    textAt(service, "spec", "type") === "ExternalName" ||
    textAt(service, "spec", "clusterIP") === "None" ||
    Object.keys(objectAt(service, "spec", "selector") ?? {}).length === 0
  );
}

const hasAddress = (object: JsonObject): boolean => listAt(object, "status", "loadBalancer", "ingress").length > 0;

export const serviceAwaiter: Awaiter = {
  timeoutSeconds: 600,
  related: (service) => [
    {
      name: "endpointSlices",
      resource: endpointSlices,
      labelSelector: `kubernetes.io/service-name=${nameOf(service)}`,
    },
  ],
  readiness: (service, related) => {
    if (textAt(service, "spec", "type") === "LoadBalancer" && !hasAddress(service))
      return waiting("no load balancer address yet");
    if (hasNoEndpointsToWaitFor(service)) return ready;
    const isReady = (related["endpointSlices"] ?? [])
      .flatMap((slice) => listAt(slice, "endpoints"))
      .some((endpoint) => at(endpoint, "conditions", "ready") !== false);
    if (isReady) return ready;
    return waiting("no ready endpoint", [
      `no pod that matches the selector ${JSON.stringify(objectAt(service, "spec", "selector"))} is ready`,
    ]);
  },
};

export const ingressAwaiter: Awaiter = {
  timeoutSeconds: 600,
  readiness: (ingress) => (hasAddress(ingress) ? ready : waiting("no ingress controller has given it an address")),
};

export const claimAwaiter: Awaiter = {
  timeoutSeconds: 300,
  related: (claim) => {
    const name = textAt(claim, "spec", "storageClassName") ?? "";
    return name === ""
      ? []
      : [{ name: "storageClasses", resource: storageClasses, fieldSelector: `metadata.name=${name}` }];
  },
  readiness: (claim, related) => {
    const phase = textAt(claim, "status", "phase") ?? "Pending";
    if (phase === "Bound") return ready;
    if (phase === "Lost") return failed(`its volume ${textAt(claim, "spec", "volumeName") ?? ""} is gone`);
    const mode = textAt(related["storageClasses"]?.[0], "volumeBindingMode");
    if (phase === "Pending" && mode === "WaitForFirstConsumer") return ready;
    return waiting(`the claim is ${phase}`);
  },
};

const phaseAwaiter = (timeoutSeconds: number, ...phases: string[]): Awaiter => ({
  timeoutSeconds,
  readiness: (object) => {
    const phase = textAt(object, "status", "phase") ?? "unknown";
    return phases.includes(phase) ? ready : waiting(`its phase is ${phase}`);
  },
});

export const volumeAwaiter = phaseAwaiter(300, "Available", "Bound");
export const namespaceAwaiter = phaseAwaiter(60, "Active");

export const definitionAwaiter: Awaiter = {
  timeoutSeconds: 60,
  readiness: (definition) => {
    const names = conditionOf(definition, "NamesAccepted");
    if (names?.status === "False") return failed(`its names are not accepted: ${names.message}`);
    return conditionOf(definition, "Established")?.status === "True" ? ready : waiting("not established yet");
  },
};

export const quotaAwaiter: Awaiter = {
  timeoutSeconds: 60,
  readiness: (quota) =>
    equal(at(quota, "spec", "hard") ?? {}, at(quota, "status", "hard") ?? {})
      ? ready
      : waiting("the limits are not in force yet"),
};

export const secretAwaiter: Awaiter = {
  timeoutSeconds: 60,
  readiness: (secret) => {
    if (textAt(secret, "type") !== "kubernetes.io/service-account-token") return ready;
    const data = at(secret, "data");
    return isObject(data) && data["token"] !== undefined ? ready : waiting("no token has been issued yet");
  },
};
