import type { PodDisruptionBudgetArgs } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { Labels } from "../core/labels.ts";

/** Puts pods of a kind on different nodes, as far as there are nodes. */
export function renderSpread(matchLabels: Labels) {
  return [
    {
      maxSkew: 1,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels },
    },
  ];
}

/** A drain takes one pod at a time. */
export function renderBudget(metadata: NonNullable<PodDisruptionBudgetArgs["metadata"]>, matchLabels: Labels) {
  return { metadata, spec: { maxUnavailable: 1, selector: { matchLabels } } } satisfies PodDisruptionBudgetArgs;
}
