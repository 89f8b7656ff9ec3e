import type { EndpointSpec } from "../../../stacks/endpoints.ts";
import { bytesOf } from "../../catalog/formats.ts";
import {
  MODEL_ARCHITECTURES,
  type ModelArchitecture,
  type ModelArchitectureName,
} from "../../catalog/model-architectures.ts";
import { READ_GB_PER_SECOND } from "./defaults.ts";

/** The row of a model's architecture; undefined where the catalogue has none of that name. */
export function architectureOf({ model }: Pick<EndpointSpec, "model">): ModelArchitecture | undefined {
  return Object.hasOwn(MODEL_ARCHITECTURES, model.architecture)
    ? MODEL_ARCHITECTURES[model.architecture as ModelArchitectureName]
    : undefined;
}

/** Bytes of a model's weights, in 10^9: parameters x bytes of one. */
export function weightsGB(architecture: ModelArchitecture, dataType: EndpointSpec["model"]["dataType"]): number {
  return architecture.parametersBillion * bytesOf(dataType);
}

/**
 * Seconds that reading the weights takes at least: bytes / ({@link READ_GB_PER_SECOND} x nodes). The nodes of a group read
 * side by side, each its own layers. A start takes longer: the image, the devices' own programs and their graphs come on top.
 */
export function loadSeconds(weights: number, nodes: number): number {
  return weights / (READ_GB_PER_SECOND * nodes);
}
