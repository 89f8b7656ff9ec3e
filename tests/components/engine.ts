import assert from "node:assert/strict";
import { type ComponentResource, type Output, runtime } from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";

/** A resource as the engine would have been asked for it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Name of the parent resource; undefined for those directly under the stack. */
  readonly parent: string | undefined;
  /** Names of the resources it waits for, components' children included. */
  readonly dependencies: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly custom: boolean;
}

export const DIGEST = "b".repeat(64);
export const CLUSTER_IP = "10.96.0.42";
export const PLACEMENT_GROUP = "placement-0123";
export const AUTO_SCALING_GROUP = "eks-nodes-0123";

/** What providers answer: enough of it for what the program reads. */
function answer(type: string, inputs: Record<string, unknown>, preview: boolean): Record<string, unknown> {
  if (type === "docker:index/image:Image" && !preview) {
    const repository = String(inputs["imageName"]).replace(/:[^:/]*$/, "");
    return { ...inputs, repoDigest: `${repository}@sha256:${DIGEST}` };
  }
  if (type === "kubernetes:core/v1:Service" && !preview) {
    const spec = inputs["spec"] as Record<string, unknown>;
    return { ...inputs, spec: { clusterIP: CLUSTER_IP, ...spec } };
  }
  if (type === "aws:ec2/launchTemplate:LaunchTemplate" && !preview) {
    return { ...inputs, latestVersion: 1 };
  }
  if (type === "aws:ec2/placementGroup:PlacementGroup" && !preview) {
    return { ...inputs, name: PLACEMENT_GROUP };
  }
  if (type === "aws:eks/nodeGroup:NodeGroup" && !preview) {
    return { ...inputs, resources: [{ autoscalingGroups: [{ name: AUTO_SCALING_GROUP }] }] };
  }
  return inputs;
}

/** What a provider makes of a resource: its id, and what is known of it then. */
export type ProviderAnswer = (resource: { type: string; name: string; inputs: Record<string, unknown> }) => {
  id: string;
  state: Record<string, unknown>;
};

const answerAsIs: ProviderAnswer = ({ name, inputs }) => ({ id: `${name}-id`, state: inputs });

/**
 * Runs a program against mocks and returns what it made together with every registration, in order. It proves what the
 * engine is asked for; what providers and the cluster do with it is for the conformance and integration suites.
 */
export async function declare<T>(
  program: () => T,
  { preview = false, provider = answerAsIs }: { preview?: boolean; provider?: ProviderAnswer } = {},
): Promise<{ readonly result: T; readonly registrations: readonly Registration[] }> {
  const mocks: runtime.Mocks = {
    newResource: ({ type, name, inputs }) => provider({ type, name, inputs: answer(type, inputs, preview) }),
    call: ({ token }) => {
      throw new Error(`the program called ${token}; no component calls a provider`);
    },
  };
  await runtime.setMocks(mocks, "millwright", "test", preview);
  const registrations: Registration[] = [];
  record(registrations);

  const result = program();
  if (result instanceof Promise) {
    await result;
  }
  await runtime.disconnect();
  assert.ok(registrations.length > 0, "the program registered nothing");
  return { result, registrations };
}

/** Mocks are told of inputs only; parents, dependencies and options are in the request. */
function record(registrations: Registration[]): void {
  const monitor = getMonitor();
  assert.ok(monitor);
  const register = monitor.registerResource.bind(monitor) as (
    req: RegisterResourceRequest,
    ...rest: unknown[]
  ) => unknown;
  const recording = (request: RegisterResourceRequest, ...rest: unknown[]): unknown => {
    if (request.getType() !== "pulumi:pulumi:Stack") {
      registrations.push({
        type: request.getType(),
        name: request.getName(),
        inputs: (request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
        parent: request.getParent() === "" ? undefined : nameOf(request.getParent()),
        dependencies: request.getDependenciesList().map(nameOf),
        ignoreChanges: request.getIgnorechangesList(),
        custom: request.getCustom(),
      });
    }
    return register(request, ...rest);
  };
  Object.assign(monitor, { registerResource: recording });
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** The one registration of a type, and of a name where given. */
export function find(registrations: readonly Registration[], type: string, name?: string): Registration {
  const found = registrations.filter((each) => each.type === type && (name === undefined || each.name === name));
  assert.equal(found.length, 1, `${found.length} registrations of ${type} ${name ?? ""}`);
  return found[0]!;
}

/** How many of each type there are. */
export function countByType(registrations: readonly Registration[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of registrations) {
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** The error a component's constructor throws. */
export async function refusal(make: () => ComponentResource): Promise<Error> {
  await runtime.setMocks({ newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: () => ({}) });
  let refused: unknown;
  try {
    make();
  } catch (error) {
    refused = error;
  }
  await runtime.disconnect();
  assert.ok(refused instanceof Error, "the constructor did not throw");
  return refused;
}

/** The value of an output. Never resolves where it is not known, as at a preview. */
export function resolved<T>(output: Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}
