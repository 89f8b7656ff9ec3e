import { ZodError } from "zod";
import type { PlatformSpec } from "../../stacks/schema.ts";
import { RECORD_LABEL, RUN_LABEL } from "../core/labels.ts";
import { formatPath } from "../core/problem.ts";
import { ApiError, type ClusterConnection, type ClusterReference, clusterConnection, kubeconfigOf } from "./cluster.ts";
import { isFinished, type Job, jobList, podList, runStatus } from "./jobs.ts";
import { parseRecord, RecordError, recordList } from "./records.ts";
import type { Observations, RunRecord, RunStatus } from "./types.ts";

/**
 * The cluster exists but what happened in it cannot be told. Unknown is not absent: nothing may be planned on it, or what
 * could not be seen would be removed or made twice.
 */
export class ObservationError extends Error {
  override readonly name = "ObservationError";

  constructor(cluster: string, reason: string, remedy: string, cause: unknown) {
    super(`${cluster} cannot be read, so nothing was changed: ${reason}. ${remedy}`, { cause });
  }
}

/** A cluster in which nothing can have happened: it is not there yet, or nothing that leaves records runs in it. */
export const NOTHING_OBSERVED: Observations = { records: [], runs: [] };

/**
 * Reads what has happened in a stack's namespace: every record, and every run's Job. Reads only; a namespace that does not
 * exist holds neither.
 *
 * @param reference where the cluster is. @default what the stack says; needed where another stack has it
 * @throws ObservationError where any of it cannot be read or understood.
 */
export async function observe(
  platform: PlatformSpec,
  reference: ClusterReference = kubeconfigOf(platform),
): Promise<Observations> {
  let connection: ClusterConnection | undefined;
  try {
    connection = await clusterConnection(reference);
    // Jobs before records: whatever a Job recorded before it was seen complete is then seen as well.
    const jobs = jobList.parse(await connection.get(listPath(platform, "batch/v1", "jobs", RUN_LABEL))).items;
    const runs = await runStatuses(jobs, platform, connection);
    const records = recordList.parse(await connection.get(listPath(platform, "v1", "configmaps", RECORD_LABEL))).items;
    return { records: parseRecords(records), runs };
  } catch (error) {
    throw new ObservationError(describe(reference), reasonOf(error), remedyFor(error, platform), error);
  } finally {
    connection?.close();
  }
}

function listPath({ namespace }: PlatformSpec, version: string, resource: string, label: string): string {
  const group = version.includes("/") ? `/apis/${version}` : `/api/${version}`;
  return `${group}/namespaces/${namespace}/${resource}?labelSelector=${encodeURIComponent(label)}`;
}

/** What waits has its reason in its pods, which are asked for only where something waits. */
async function runStatuses(
  jobs: readonly Job[],
  platform: PlatformSpec,
  connection: ClusterConnection,
): Promise<RunStatus[]> {
  if (jobs.every(isFinished)) {
    return jobs.map((job) => runStatus(job, []));
  }
  const pods = podList.parse(await connection.get(listPath(platform, "v1", "pods", RUN_LABEL))).items;
  return jobs.map((job) => runStatus(job, pods));
}

class UnreadableRecords extends Error {
  constructor(faults: readonly string[]) {
    super(faults.join("; "));
  }
}

/** All that cannot be read are named at once. */
function parseRecords(configMaps: readonly Parameters<typeof parseRecord>[0][]): RunRecord[] {
  const faults: string[] = [];
  const records = configMaps.flatMap((configMap) => {
    try {
      return [parseRecord(configMap)];
    } catch (error) {
      if (!(error instanceof RecordError)) {
        throw error;
      }
      faults.push(error.message);
      return [];
    }
  });
  if (faults.length > 0) {
    throw new UnreadableRecords(faults);
  }
  return records;
}

function describe(reference: ClusterReference): string {
  const where = "text" in reference ? reference.origin : reference.kubeconfig;
  return `The cluster of context ${reference.context} in ${where}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof ZodError) {
    const faults = error.issues.map((issue) => `${formatPath(issue.path)}: ${issue.message}`);
    return `its answer is not understood: ${faults.join("; ")}`;
  }
  if (error instanceof AggregateError) {
    // A host with several addresses that all refuse: Node leaves the message of the whole empty.
    return error.errors.map(reasonOf).join("; ");
  }
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.name === "TimeoutError" ? "it does not answer in time" : error.message.trim();
}

/** What to do, by what went wrong. */
function remedyFor(error: unknown, { cluster, namespace }: PlatformSpec): string {
  if (error instanceof UnreadableRecords) {
    return `Look at it with kubectl --namespace ${namespace} get configmap NAME --output yaml, and remove what does not belong there.`;
  }
  if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
    return `Its user must be allowed to list Jobs, pods and ConfigMaps in the namespace ${namespace}.`;
  }
  if (cluster.kind === "platform") {
    return `Check that the cluster of stack ${cluster.stack} runs and that the command line of its cloud lets you in.`;
  }
  return cluster.kind === "local"
    ? "npm run up starts it; npm run status tells what runs."
    : "Check that it runs and that kubectl reaches it with this context.";
}
