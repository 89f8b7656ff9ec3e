import type { Registration } from "../../engine.ts";

/** What NetworkPolicies of the kinds rendered here let through, by the rules of networking.k8s.io/v1. */

type Labels = Readonly<Record<string, string>>;

interface Selector {
  readonly matchLabels?: Labels;
}

interface Policy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly { readonly podSelector?: Selector; readonly namespaceSelector?: Selector }[];
      readonly ports?: readonly { readonly port: number; readonly protocol: string }[];
    }[];
  };
}

export interface Pod {
  readonly namespace: string;
  readonly labels: Labels;
}

const POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

export function policiesOf(objects: readonly Registration[]): readonly Policy[] {
  return objects.filter(({ type }) => type === POLICY).map(({ inputs }) => inputs as unknown as Policy);
}

export function selects(selector: Selector, labels: Labels): boolean {
  return Object.entries(selector.matchLabels ?? {}).every(([name, value]) => labels[name] === value);
}

/** Whether a pod, or what is outside the cluster, reaches a port of another pod. */
export function isAllowed(policies: readonly Policy[], from: Pod | "outside", to: Pod, port: number): boolean {
  const judging = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === to.namespace &&
      spec.policyTypes.includes("Ingress") &&
      selects(spec.podSelector, to.labels),
  );
  return (
    judging.length === 0 ||
    judging.some(({ spec }) =>
      (spec.ingress ?? []).some(
        ({ from: peers, ports }) =>
          (ports === undefined || ports.some((each) => each.port === port && each.protocol === "TCP")) &&
          (peers === undefined || (from !== "outside" && peers.some((peer) => isPeer(peer, from, to)))),
      ),
    )
  );
}

function isPeer(
  { podSelector, namespaceSelector }: { podSelector?: Selector; namespaceSelector?: Selector },
  from: Pod,
  to: Pod,
): boolean {
  const inNamespace =
    namespaceSelector === undefined
      ? from.namespace === to.namespace
      : selects(namespaceSelector, { "kubernetes.io/metadata.name": from.namespace });
  return inNamespace && selects(podSelector ?? {}, from.labels);
}
