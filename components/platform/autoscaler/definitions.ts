import type { CustomResourceDefinitionArgs } from "@pulumi/kubernetes/apiextensions/v1/customResourceDefinition.js";
import { labelsFor } from "../../core/labels.ts";

interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly group: "keda.sh" | "eventing.keda.sh";
  readonly scope: "Namespaced" | "Cluster";
  readonly shortNames?: readonly string[];
  readonly columns?: readonly { readonly name: string; readonly type: string; readonly jsonPath: string }[];
}

const condition = (name: string) => ({
  name,
  type: "string",
  jsonPath: `.status.conditions[?(@.type=="${name}")].status`,
});

/** The kinds KEDA 2.21 does not start without, whether anybody uses them or not. */
const KINDS: readonly Kind[] = [
  {
    kind: "ScaledObject",
    plural: "scaledobjects",
    group: "keda.sh",
    scope: "Namespaced",
    shortNames: ["so"],
    columns: [
      { name: "Target", type: "string", jsonPath: ".spec.scaleTargetRef.name" },
      { name: "Min", type: "integer", jsonPath: ".spec.minReplicaCount" },
      { name: "Max", type: "integer", jsonPath: ".spec.maxReplicaCount" },
      condition("Ready"),
      condition("Active"),
      condition("Fallback"),
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
  },
  { kind: "ScaledJob", plural: "scaledjobs", group: "keda.sh", scope: "Namespaced", shortNames: ["sj"] },
  {
    kind: "TriggerAuthentication",
    plural: "triggerauthentications",
    group: "keda.sh",
    scope: "Namespaced",
    shortNames: ["ta"],
  },
  {
    kind: "ClusterTriggerAuthentication",
    plural: "clustertriggerauthentications",
    group: "keda.sh",
    scope: "Cluster",
    shortNames: ["cta"],
  },
  { kind: "CloudEventSource", plural: "cloudeventsources", group: "eventing.keda.sh", scope: "Namespaced" },
  { kind: "ClusterCloudEventSource", plural: "clustercloudeventsources", group: "eventing.keda.sh", scope: "Cluster" },
];

/** A name the SDK spells otherwise in its types; this is what the API server reads. */
const OPEN_SCHEMA = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/**
 * The definitions of KEDA's kinds, without a schema of what is in them: KEDA's own are 750 kB, nearly all of it the
 * schema of a pod, which the engine would write into its state again at every step. What we render is held against
 * KEDA's own definitions by tests/conformance/autoscaler; what others write, by KEDA when
 * it reads it.
 */
export function renderDefinitions() {
  return KINDS.map(renderDefinition);
}

function renderDefinition({ kind, plural, group, scope, shortNames, columns }: Kind) {
  return {
    metadata: { name: `${plural}.${group}`, labels: labelsFor({ component: "autoscaler" }) },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shortNames === undefined ? {} : { shortNames: [...shortNames] }),
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: OPEN_SCHEMA },
          ...(columns === undefined ? {} : { additionalPrinterColumns: [...columns] }),
        },
      ],
    },
  } satisfies CustomResourceDefinitionArgs;
}
