import type { NetworkPolicyArgs } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { COMPONENT_LABEL, labelsFor } from "../../core/labels.ts";
import { serviceAccountName } from "../addresses.ts";
import { ENGINE_PORT } from "./defaults.ts";
import { weightsOf } from "./engine.ts";
import { labelsOfRole } from "./pods.ts";
import type { LanguageEndpointArgs } from "./types.ts";

/** Where a node tells a machine's credentials, and everything else of it. */
const INSTANCE_METADATA = "169.254.169.254/32";

/** Where EKS Pod Identity gives a pod its own credentials, on every node. */
const POD_IDENTITY_AGENT = "169.254.170.23/32";

/** The namespace of the monitoring that the add-ons install. */
const MONITORING_NAMESPACE = "monitoring";

const ofNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } });

/**
 * Who may reach an endpoint's pods: pods of the stack's own namespace and of those the endpoint names, with requests; the
 * cluster's Prometheus, for metrics, which have the same port; the pods of a group each other, on whatever port they choose.
 *
 * Whom they may ask: names; the pods of their group; and, for weights that lie elsewhere, hosts by HTTPS and the node's
 * agent that gives them their own credentials. Not the machine's metadata, which has the machine's.
 */
export function renderPolicy(args: LanguageEndpointArgs) {
  const { endpoint, namespace, monitored = false } = args;
  const isGroup = endpoint.parallelism.pipeline > 1;
  const source = weightsOf(endpoint);
  const podSelector = selectorOfPods(args);
  const group = isGroup ? [{ podSelector }] : [];
  return {
    metadata: {
      name: serviceAccountName(endpoint.name),
      namespace,
      labels: labelsFor({ component: "serving", model: endpoint.name }),
    },
    spec: {
      podSelector,
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [
            { podSelector: {} },
            ...[...new Set([...endpoint.clients, ...(monitored ? [MONITORING_NAMESPACE] : [])])].map(ofNamespace),
          ],
          ports: [{ port: ENGINE_PORT, protocol: "TCP" }],
        },
        ...group.map((peer) => ({ from: [peer] })),
      ],
      egress: [
        {
          to: [{ ...ofNamespace("kube-system"), podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }],
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
        ...group.map((peer) => ({ to: [peer] })),
        ...(source.kind === "folder"
          ? []
          : [
              {
                to: [{ ipBlock: { cidr: "0.0.0.0/0", except: [INSTANCE_METADATA] } }],
                ports: [{ port: 443, protocol: "TCP" }],
              },
            ]),
        ...(source.kind === "bucket"
          ? [{ to: [{ ipBlock: { cidr: POD_IDENTITY_AGENT } }], ports: [{ port: 80, protocol: "TCP" }] }]
          : []),
      ],
    },
  } satisfies NetworkPolicyArgs;
}

/** Of leaders and workers together: an endpoint's labels but for the part a pod plays. */
export function selectorOfPods({ endpoint }: Pick<LanguageEndpointArgs, "endpoint">) {
  const { [COMPONENT_LABEL]: leader, ...matchLabels } = labelsOfRole(endpoint, "leader");
  if (endpoint.parallelism.pipeline === 1) {
    return { matchLabels: labelsOfRole(endpoint, "alone") };
  }
  const worker = labelsOfRole(endpoint, "worker")[COMPONENT_LABEL];
  return {
    matchLabels,
    matchExpressions: [{ key: COMPONENT_LABEL, operator: "In", values: [leader!, worker!] }],
  };
}
