import type { Problem } from "../components/core/problem.ts";
import { memberOf } from "./json-schema.ts";

/**
 * What belongs together in one stack. A stack is a layer: the platform (cluster, pools, queues) or what one team runs on it,
 * so that a mistake in a model cannot reach the cluster. Small clusters that exist may be both in one.
 */
export function layerProblems(raw: unknown): Problem[] {
  const kind = ["platform", "cluster", "kind"].reduce(memberOf, raw);
  const has = (field: string) => lengthOf(memberOf(raw, field)) > 0;
  const hasMember = (field: string) => memberOf(raw, field) !== undefined;
  const problems: Problem[] = [];
  const written = ["models", "pools", "endpoints"].filter((field) => !isEmptyList(memberOf(raw, field)));
  if (written.length === 0) {
    const message = "is required: a list of at least 1, unless the stack has pools or endpoints.";
    problems.push({ path: "models", message });
  }
  if (kind === "eks") {
    for (const field of ["models", "endpoints"].filter(has)) {
      const message =
        "must be in a stack of its own, whose platform.cluster is {kind: platform, stack: <this one>}: this one makes the cluster.";
      problems.push({ path: field, message });
    }
  }
  if (kind === "simulated" && has("models")) {
    problems.push({ path: "models", message: "must be empty: nothing runs on simulated nodes; see simulation.jobs." });
  }
  if (kind === "platform") {
    for (const field of ["pools", "scheduling"].filter(hasMember)) {
      problems.push({
        path: field,
        message: "must be in the stack that platform.cluster.stack names, which has the cluster.",
      });
    }
  }
  const database = ["platform", "database", "kind"].reduce(memberOf, raw);
  if (database === "platform" && kind !== undefined && kind !== "platform") {
    const message = "must be inNamespace or external: platform.cluster is not that of another stack.";
    problems.push({ path: "platform.database.kind", message, value: database });
  }
  if (kind !== undefined && kind !== "simulated" && hasMember("simulation")) {
    problems.push({ path: "simulation", message: "must be left out: platform.cluster.kind is not simulated." });
  }
  if (
    (has("models") || has("endpoints")) &&
    hasMember("platform") &&
    ["platform", "storage"].reduce(memberOf, raw) === undefined
  ) {
    problems.push({
      path: "platform.storage",
      message: "is required in a stack with models or endpoints: {kind: node, ...} or {kind: storageClass, ...}.",
    });
  }
  return problems;
}

function isEmptyList(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
