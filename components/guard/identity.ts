/** What makes an object of a cluster that object, whichever resource of the program declares it. */
export interface ObjectIdentity {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for objects without one, and where nothing was written. */
  readonly namespace?: string;
  readonly name: string;
}

/** Types of the provider that are no object of their own: charts, folders of manifests, lists. */
const NOT_OBJECTS = /^kubernetes:(helm\.sh|kustomize|yaml)(\/|:)/;

/**
 * The object that a resource declares.
 *
 * @param type Pulumi's token, such as `kubernetes:apps/v1:Deployment`
 * @param inputs of which only `metadata` is read
 * @returns undefined for what is no Kubernetes object, changes another's object, or whose name is not known yet
 */
export function identityOf(type: string, inputs: unknown): ObjectIdentity | undefined {
  const [provider, apiVersion, kind, more] = type.split(":");
  if (provider !== "kubernetes" || apiVersion === undefined || kind === undefined || more !== undefined)
    return undefined;
  if (NOT_OBJECTS.test(type) || /(List|Patch)$/.test(kind)) return undefined;
  const { name, namespace } = (memberOf(inputs, "metadata") ?? {}) as { name?: unknown; namespace?: unknown };
  if (typeof name !== "string") return undefined;
  // The SDK writes the core group as `core/v1`, the API as `v1`.
  const version = apiVersion.replace(/^core\//, "");
  return { apiVersion: version, kind, ...(typeof namespace === "string" ? { namespace } : {}), name };
}

/** One text for one object; versions of an API show the same objects, so the version is left out. */
export function keyOf({ apiVersion, kind, namespace = "", name }: ObjectIdentity): string {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return [group, kind, namespace, name].join("/");
}

/** As people write it and `--replace` takes it: `Service shop/web`, `Namespace shop`. */
export function describeObject({ kind, namespace, name }: ObjectIdentity): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

export function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
