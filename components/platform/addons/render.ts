import type { CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { ReleaseArgs } from "@pulumi/kubernetes/helm/v3/release.js";
import { labelsFor } from "../../core/labels.ts";
import { CHARTS, type Chart, type ChartName } from "./charts.ts";
import type { Addon, RuleGroup } from "./types.ts";

/** Seconds a chart's objects may take to be ready. */
const TIMEOUT_SECONDS = 900;

/** A chart's namespace, with what its pods may do; undefined where the cluster has it already. */
export function renderNamespace(chart: ChartName) {
  const { namespace, security } = CHARTS[chart];
  return security === undefined
    ? undefined
    : ({
        metadata: {
          name: namespace,
          labels: { ...labelsFor({ component: "platform" }), "pod-security.kubernetes.io/enforce": security },
        },
      } satisfies NamespaceArgs);
}

/**
 * A chart at its pinned version. One that fails is rolled back as a whole, so that the next run of the engine finds either the
 * old one or the new one.
 */
export function renderRelease({ chart, values }: Addon) {
  const { namespace, version, definitions } = CHARTS[chart];
  return {
    name: chart,
    namespace,
    version,
    ...placeOf(chart, CHARTS[chart]),
    values,
    // Helm would make it without what its pods may do, and leave it behind.
    createNamespace: false,
    skipCrds: definitions === "none",
    atomic: true,
    cleanupOnFail: true,
    timeout: TIMEOUT_SECONDS,
    maxHistory: 5,
  } satisfies ReleaseArgs;
}

/** The platform's own rules for the Prometheus of kube-prometheus-stack, which looks at every object of this kind. */
export function renderRules(groups: readonly RuleGroup[]) {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: {
      name: "millwright",
      namespace: CHARTS["kube-prometheus-stack"].namespace,
      labels: labelsFor({ component: "platform" }),
    },
    spec: { groups: groups.map(({ name, rules }) => ({ name, rules: [...rules] })) },
  } satisfies CustomResourceArgs;
}

function placeOf(chart: ChartName, { repository }: Chart) {
  return repository.startsWith("oci://") ? { chart: repository } : { chart, repositoryOpts: { repo: repository } };
}
