import type { NetworkPolicyArgs } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { Labels } from "../../core/labels.ts";

/** Pods that may ask others: of the same namespace, unless another is named. */
export interface Peer {
  readonly pods: Labels;
  /** A namespace by its name, or any. @default that of the pods that are asked */
  readonly namespace?: string | { readonly any: true };
}

/** Who may reach which ports. */
export interface Allowance {
  /** @default everybody, from inside the cluster and beyond */
  readonly from?: readonly Peer[];
  /** @default every port */
  readonly ports?: readonly number[];
}

type Metadata = NonNullable<NetworkPolicyArgs["metadata"]>;

/** No pod of the namespace is reached by anybody but those an allowance names. What pods ask others is not restricted. */
export function renderDefaultDeny<M extends Metadata>(metadata: M) {
  return { metadata, spec: { podSelector: {}, policyTypes: ["Ingress"] } } satisfies NetworkPolicyArgs;
}

/**
 * Who may reach the pods with these labels, beside what other policies allow. The kubelet's probes need no allowance: a
 * node always reaches its own pods.
 */
export function renderPolicy<M extends Metadata>(metadata: M, matchLabels: Labels, allowances: readonly Allowance[]) {
  return {
    metadata,
    spec: {
      podSelector: { matchLabels },
      policyTypes: ["Ingress"],
      ingress: allowances.map(({ from, ports }) => ({
        ...(from === undefined ? {} : { from: from.map(renderPeer) }),
        ...(ports === undefined ? {} : { ports: ports.map((port) => ({ port, protocol: "TCP" })) }),
      })),
    },
  } satisfies NetworkPolicyArgs;
}

function renderPeer({ pods, namespace }: Peer) {
  const podSelector = { matchLabels: pods };
  if (namespace === undefined) {
    return { podSelector };
  }
  const namespaceSelector =
    typeof namespace === "string" ? { matchLabels: { "kubernetes.io/metadata.name": namespace } } : {};
  return { namespaceSelector, podSelector };
}
