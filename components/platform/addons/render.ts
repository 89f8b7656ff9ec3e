import type { NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { ReleaseArgs } from "@pulumi/kubernetes/helm/v3/release.js";
import { labelsFor } from "../../core/labels.ts";
import { CHARTS, type Chart, type ChartName } from "./charts.ts";
import type { Addon } from "./types.ts";

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

function placeOf(chart: ChartName, { repository }: Chart) {
  return repository.startsWith("oci://") ? { chart: repository } : { chart, repositoryOpts: { repo: repository } };
}
