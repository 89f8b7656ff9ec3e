import { createHash } from "node:crypto";
import { nameOfUrn } from "./kinds.ts";

const digest = (...parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 8);

/**
 * The name of an object whose program gives none. It depends on nothing that changes between runs, so a run that was killed
 * after creating the object finds it again. A replacement gets another name because its predecessor's goes into the hash.
 *
 * @param predecessor name of the object that is being replaced, if any
 */
export function autoname(urn: string, predecessor: string | undefined): string {
  return `${nameOfUrn(urn)}-${digest(urn, predecessor ?? "")}`;
}

/**
 * The server-side apply manager of one resource. The URN makes it the resource's own, so an object that carries it was made
 * for this very resource, by this run or by one that was interrupted.
 */
export function fieldManager(urn: string): string {
  return `pulumi-kubernetes-${digest("field-manager", urn)}`;
}
