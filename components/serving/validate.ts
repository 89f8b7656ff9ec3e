import { MAX_NAME_LENGTH } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import type { ServedVersion } from "../lifecycle/types.ts";
import { validateArtifactPath } from "../platform/artifacts.ts";
import type { Canary, EndpointArgs } from "./types.ts";

/** What is wrong with the versions that should serve. The schema has checked the model; the rest comes from records. */
export function validateEndpoint(model: string, { stable, canary }: EndpointArgs): Problem[] {
  return [
    ...(stable === undefined && canary === undefined
      ? [{ path: "stable", message: "must be there where there is no canary: an endpoint has a version to serve" }]
      : []),
    ...(stable === undefined ? [] : validateVersion("stable", model, stable)),
    ...(canary === undefined ? [] : validateCanary(model, canary, stable)),
  ];
}

function validateCanary(model: string, { version, weight }: Canary, stable: ServedVersion | undefined): Problem[] {
  const problems = validateVersion("canary.version", model, version);
  if (version.version === stable?.version) {
    problems.push({ path: "canary.version", message: "must be another than the stable one", value: version.version });
  }
  if (stable !== undefined && !(Number.isInteger(weight) && weight >= 1 && weight <= 99)) {
    const message = "must be a whole number of percent from 1 to 99 beside a stable version";
    problems.push({ path: "canary.weight", message, value: weight });
  }
  return problems;
}

/** Names and paths of a version become objects' names, mounts and lines of the router's configuration. */
function validateVersion(path: string, model: string, version: ServedVersion): Problem[] {
  const problems = validateArtifactPath(`${path}.record.artifact.path`, version.record.artifact.path);
  if (version.record.model !== model) {
    problems.push({ path: `${path}.record.model`, message: `must be ${model}`, value: version.record.model });
  }
  if (version.model.name !== model) {
    problems.push({ path: `${path}.model.name`, message: `must be ${model}`, value: version.model.name });
  }
  if (version.version.length > MAX_NAME_LENGTH || !/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(version.version)) {
    const message = `must be a DNS label of at most ${MAX_NAME_LENGTH} characters`;
    problems.push({ path: `${path}.version`, message, value: version.version });
  }
  return problems;
}
