import { describeObject, keyOf, type ObjectIdentity } from "../../components/guard/identity.ts";
import { type KnownResource, knownOf } from "../../components/guard/judge.ts";
import type { RunObject } from "../../components/guard/objects.ts";
import { ApiError, type ClusterConnection } from "../../components/lifecycle/cluster.ts";

/** Of the official provider, which gives each resource a manager of its own with this beginning. */
const MANAGER = /^pulumi-kubernetes/;

/** Kinds that may hold what nobody can make again: they are named, and left where they are. */
const LEFT: readonly string[] = ["PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"];

/** Objects that runs may have made and that the state does not know. Pure. */
export function strayObjects(objects: readonly RunObject[], resources: readonly KnownResource[]): RunObject[] {
  const { byObject } = knownOf(resources);
  return objects.filter((object) => !byObject.has(keyOf(object)));
}

/**
 * Removes what interrupted runs made and neither state nor program knows: without it nothing ever would.
 *
 * @returns what was removed, and what was left for the user to decide on, one sentence each
 * @throws ApiError where the cluster refuses, and the network's error where it does not answer
 */
export async function sweep(strays: readonly RunObject[], connection: ClusterConnection): Promise<string[]> {
  const said = await Promise.all(strays.map((stray) => sweepOne(stray, connection)));
  return said.filter((line) => line !== undefined);
}

async function sweepOne(stray: RunObject, connection: ClusterConnection): Promise<string | undefined> {
  const found = await find(stray, connection);
  if (found === undefined) return undefined;
  const what = describeObject(stray);
  if (!found.isOurs) return `${what} was made by an interrupted run and is somebody else's by now: left alone.`;
  if (LEFT.includes(stray.kind)) {
    return `${what} was made by an interrupted run and is no longer declared. It may hold data, so it is left: kubectl delete ${stray.kind.toLowerCase()} ${stray.name}${stray.namespace === undefined ? "" : ` --namespace ${stray.namespace}`}`;
  }
  await connection.remove(found.path, found.uid);
  return `${what} was made by an interrupted run and is no longer declared: removed.`;
}

/**
 * Removes secrets of which an interrupted run drew the content and that the state does not know. The next run would draw
 * another content for an object that cannot change; made anew, they restart what reads them.
 */
export async function clearMadeOnce(strays: readonly RunObject[], connection: ClusterConnection): Promise<string[]> {
  const said: string[] = [];
  for (const stray of strays.filter(({ madeOnce }) => madeOnce === true)) {
    const found = await find(stray, connection);
    if (found === undefined || !found.isOurs) continue;
    await connection.remove(found.path, found.uid);
    said.push(`${describeObject(stray)} was drawn by an interrupted run that did not keep it: it is made anew.`);
  }
  return said;
}

interface Found {
  readonly path: string;
  readonly uid: string;
  readonly isOurs: boolean;
}

/** @returns undefined where the object, or its kind, is not there, or is being deleted */
async function find(object: ObjectIdentity, connection: ClusterConnection): Promise<Found | undefined> {
  const path = await pathOf(object, connection);
  const answer = path === undefined ? undefined : await absentAs404(connection.get(path));
  if (path === undefined || answer === undefined) return undefined;
  const { metadata } = answer as {
    metadata: { uid: string; deletionTimestamp?: string; managedFields?: readonly { manager?: string }[] };
  };
  if (metadata.deletionTimestamp !== undefined) return undefined;
  return {
    path,
    uid: metadata.uid,
    isOurs: (metadata.managedFields ?? []).some(({ manager }) => MANAGER.test(manager ?? "")),
  };
}

async function pathOf(
  { apiVersion, kind, namespace, name }: ObjectIdentity,
  connection: ClusterConnection,
): Promise<string | undefined> {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const answer = await absentAs404(connection.get(root));
  const { resources = [] } = (answer ?? {}) as {
    resources?: readonly { name: string; kind: string; namespaced: boolean }[];
  };
  const resource = resources.find((each) => each.kind === kind && !each.name.includes("/"));
  if (resource === undefined) return undefined;
  const scope = resource.namespaced ? `/namespaces/${namespace ?? "default"}` : "";
  return `${root}${scope}/${resource.name}/${encodeURIComponent(name)}`;
}

async function absentAs404(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}
