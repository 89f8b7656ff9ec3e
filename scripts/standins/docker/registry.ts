import type { Credentials } from "./credentials.ts";
import { imageReference } from "./reference.ts";

/** What a registry says of an image; `unknown` if it does not let us look. */
export type Presence = "present" | "absent" | "unknown";

const MANIFESTS = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
].join(", ");

const TIMEOUT_SECONDS = 30;

/**
 * Asks the registry for the manifest of `registry/repository@digest`.
 * @throws Error naming the registry if it does not answer: unknown is not absent
 */
export async function presence(repoDigest: string, credentials: readonly Credentials[]): Promise<Presence> {
  const reference = imageReference(repoDigest);
  if (reference?.registry === undefined || reference.digest === undefined) return "unknown";
  const { registry, repository, digest } = reference;
  const known = credentials.find(({ address }) => address === registry);
  const headers: Record<string, string> = { accept: MANIFESTS };
  if (known !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${known.username}:${known.password}`).toString("base64")}`;
  }
  const url = `${scheme(registry)}://${registry}/v2/${repository}/manifests/${digest}`;
  const response = await fetch(url, {
    method: "HEAD",
    headers,
    signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
  }).catch((cause: unknown) => {
    throw new Error(
      `the registry ${registry} does not answer, so ${repoDigest} cannot be checked; start it and try again`,
      { cause },
    );
  });
  if (response.ok) return "present";
  if (response.status === 404) return "absent";
  if (response.status === 401 || response.status === 403) return "unknown";
  throw new Error(
    `the registry ${registry} answered ${response.status} for ${repoDigest}; look at its log and try again`,
  );
}

/** Docker itself speaks plain HTTP to registries of this machine only. */
function scheme(registry: string): "http" | "https" {
  return /^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(registry) ? "http" : "https";
}
