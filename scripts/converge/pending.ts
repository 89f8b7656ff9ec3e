/** A resource as Pulumi's exported state has it; only what is read here is typed. */
export interface ResourceState {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** An operation that had begun and of which nobody knows whether it was done. */
export interface PendingOperation {
  readonly type: "creating" | "updating" | "deleting" | "reading" | "importing";
  readonly resource: ResourceState;
}

export interface Deployment {
  readonly resources?: readonly ResourceState[];
  readonly pending_operations?: readonly PendingOperation[] | null;
  readonly [field: string]: unknown;
}

/** What `pulumi stack export` prints and `pulumi stack import` takes. */
export interface ExportedState {
  readonly version: number;
  readonly deployment: Deployment;
}

export interface Repair {
  readonly state: ExportedState;
  /** URNs of resources whose creation was interrupted and which have to be looked for. */
  readonly lookFor: readonly string[];
  /** What was pending, by URN and kind. */
  readonly operations: readonly PendingOperation[];
}

/** The ID under which a provider would know a resource whose creation was interrupted; undefined if only it knows. */
export type ExpectedId = (resource: ResourceState) => string | undefined;

/**
 * Settles the operations an interrupted run left pending. What was being created and has a predictable ID is taken into
 * the state, to be looked for by a refresh: otherwise, no longer declared, it would be left behind for ever. What was
 * being updated or deleted is still in the state, and the next run does it again.
 */
export function settlePending(exported: ExportedState, expectedId: ExpectedId): Repair {
  const operations = exported.deployment.pending_operations ?? [];
  const resources = exported.deployment.resources ?? [];
  const known = new Set(resources.map(({ urn }) => urn));
  const found = operations.flatMap(({ type, resource }): ResourceState[] => {
    const id = type === "creating" && !known.has(resource.urn) ? expectedId(resource) : undefined;
    if (id === undefined) return [];
    known.add(resource.urn);
    return [{ ...resource, custom: true, id, outputs: resource.outputs ?? resource.inputs ?? {} }];
  });
  const { pending_operations: _settled, ...deployment } = exported.deployment;
  return {
    state: { ...exported, deployment: { ...deployment, resources: [...resources, ...found] } },
    lookFor: found.map(({ urn }) => urn),
    operations,
  };
}

/** Kubernetes objects are known by `namespace/name`, or by their name where the kind has no namespace. */
export function kubernetesId(resource: ResourceState): string | undefined {
  if (!resource.type.startsWith("kubernetes:")) return undefined;
  const metadata = resource.inputs?.metadata;
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const { name, namespace } = metadata as { name?: unknown; namespace?: unknown };
  if (typeof name !== "string") return undefined;
  return typeof namespace === "string" ? `${namespace}/${name}` : name;
}

/** The state with every Kubernetes provider that reads one kubeconfig reading another; undefined where none does. Pure. */
export function redirectProviders(exported: ExportedState, from: string, to: string): ExportedState | undefined {
  const { resources = [] } = exported.deployment;
  const reads = (values: ResourceState["inputs"]) => values?.kubeconfig === from;
  const redirected = resources.map((resource) => {
    const { type, inputs, outputs } = resource;
    if (type !== "pulumi:providers:kubernetes" || !reads(inputs)) return resource;
    return {
      ...resource,
      inputs: { ...inputs, kubeconfig: to },
      ...(reads(outputs) ? { outputs: { ...outputs, kubeconfig: to } } : {}),
    };
  });
  if (redirected.every((resource, index) => resource === resources[index])) return undefined;
  return { ...exported, deployment: { ...exported.deployment, resources: redirected } };
}
