/** Where an image lives. */
export interface ImageReference {
  /** `host[:port]`; undefined for a name that names none, which Docker takes to be its hub. */
  readonly registry: string | undefined;
  /** Path in the registry, without tag and digest. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:...`. */
  readonly digest: string | undefined;
}

const REFERENCE =
  /^(?:(?<registry>localhost(?::\d+)?|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?|[A-Za-z0-9-]+:\d+)\/)?(?<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** Reads `[registry/]repository[:tag][@digest]`; undefined if it is not one. */
export function imageReference(name: string): ImageReference | undefined {
  const groups = REFERENCE.exec(name)?.groups;
  if (groups?.repository === undefined) return undefined;
  return { registry: groups.registry, repository: groups.repository, tag: groups.tag, digest: groups.digest };
}
