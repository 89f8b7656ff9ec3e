import { MODEL_LABEL, RUN_LABEL } from "../../components/core/labels.ts";
import { type ClusterReference, clusterConnection } from "../../components/lifecycle/cluster.ts";
import { NOTHING_OBSERVED, observe } from "../../components/lifecycle/observe.ts";
import type { Observations, Plan } from "../../components/lifecycle/types.ts";
import type { Stack } from "../../stacks/schema.ts";
import { Failure } from "../lib/failure.ts";
import { type Live, type NodeStatus, type StatusReport, statusReport } from "./report.ts";

interface KubernetesList<T> {
  readonly items: readonly T[];
}

interface NodeObject {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface ServiceObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly clusterIP?: string; readonly ports?: readonly { readonly port: number }[] };
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase?: string };
}

/** Reads, for people, what the cluster of a stack says; what `plan` needs it reads by `observe` alone. */
export class Observer {
  readonly #stack: Stack;
  readonly #findCluster: () => Promise<ClusterReference | undefined>;
  #cluster: ClusterReference | undefined;

  /** @param findCluster how the cluster is reached; undefined while the stack has yet to make it */
  constructor(stack: Stack, findCluster: () => Promise<ClusterReference | undefined>) {
    this.#stack = stack;
    this.#findCluster = findCluster;
  }

  /** Asked again only while there is no cluster: one that is there stays where it is. */
  async #reference(): Promise<ClusterReference | undefined> {
    this.#cluster ??= await this.#findCluster();
    return this.#cluster;
  }

  /** @throws ObservationError where the cluster cannot be read. */
  async observe(): Promise<Observations> {
    // A stack that makes its cluster runs nothing in it that leaves records.
    if (this.#stack.platform.cluster.kind === "eks") {
      return NOTHING_OBSERVED;
    }
    const reference = await this.#reference();
    return reference === undefined ? NOTHING_OBSERVED : await observe(this.#stack.platform, reference);
  }

  async status(plan: Plan): Promise<StatusReport> {
    const reference = await this.#reference();
    if (reference === undefined) {
      return statusReport(plan, [], { endpoints: {}, progress: {} });
    }
    const connection = await clusterConnection(reference);
    const list = async <T>(path: string) => ((await connection.get(path)) as KubernetesList<T>).items;
    const { namespace } = this.#stack.platform;
    try {
      const [nodes, running, services, progress] = await Promise.all([
        list<NodeObject>("/api/v1/nodes"),
        list<PodObject>("/api/v1/pods?fieldSelector=status.phase%3DRunning"),
        list<ServiceObject>(
          `/api/v1/namespaces/${namespace}/services?labelSelector=${encodeURIComponent(MODEL_LABEL)}`,
        ),
        this.#progress(plan),
      ]);
      const live: Live = { endpoints: endpointsOf(services), progress };
      return statusReport(
        plan,
        nodes.map((node) => nodeStatus(node, running)),
        live,
      );
    } finally {
      connection.close();
    }
  }

  /** What each model that has a run in progress is doing, by its name: the last line the run wrote, or what it waits for. */
  async progressLines(plan: Plan): Promise<Readonly<Record<string, string>>> {
    const progress = await this.#progress(plan);
    return Object.fromEntries(
      plan.models
        .filter(({ runs }) => runs.length > 0)
        .map((model) => [model.name, progress[model.name] ?? model.reason]),
    );
  }

  /** The last log line of worker 0 of each run in progress, by model. A run whose pod is not there yet has none. */
  async #progress(plan: Plan): Promise<Record<string, string>> {
    const runs = plan.models.flatMap((model) => model.runs);
    if (runs.length === 0) {
      return {};
    }
    const { CoreV1Api } = await import("@kubernetes/client-node");
    const core = (await this.#client()).makeApiClient(CoreV1Api);
    const { namespace } = this.#stack.platform;
    const lines: Record<string, string> = {};
    for (const run of runs) {
      const pods = await core.listNamespacedPod({ namespace, labelSelector: `${RUN_LABEL}=${run.name}` });
      const first = pods.items
        .filter((pod) => (pod.metadata?.annotations?.["batch.kubernetes.io/job-completion-index"] ?? "0") === "0")
        .filter((pod) => pod.status?.phase === "Running")
        .at(-1)?.metadata?.name;
      if (first === undefined) {
        continue;
      }
      const line = await lastLogLine(() =>
        core.readNamespacedPodLog({ name: first, namespace, container: "workload", tailLines: 1 }),
      );
      if (line !== undefined) {
        lines[run.model.name] = line;
      }
    }
    return lines;
  }

  /** Deletes the failed Job of a model's current run, so that the next `up` makes it anew. */
  async removeFailedRun(model: string): Promise<string> {
    const failed = (await this.observe()).runs.filter((run) => run.model === model && run.state === "failed");
    if (failed.length === 0) {
      throw new Failure(`The model ${model} has no failed run`, "leave --retry away");
    }
    const { BatchV1Api } = await import("@kubernetes/client-node");
    const batch = (await this.#client()).makeApiClient(BatchV1Api);
    const { namespace } = this.#stack.platform;
    for (const { run } of failed) {
      await batch.deleteNamespacedJob({ name: run, namespace, propagationPolicy: "Foreground" });
    }
    return failed.map(({ run }) => run).join(", ");
  }

  /** The full client costs half a second to load, so only what needs it pays. */
  async #client() {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const reference = await this.#reference();
    if (reference === undefined) {
      throw new Error(`stack ${this.#stack.name} has no cluster yet`);
    }
    const config = new KubeConfig();
    if ("text" in reference) {
      config.loadFromString(reference.text);
    } else {
      config.loadFromFile(reference.kubeconfig);
    }
    config.setCurrentContext(reference.context);
    return config;
  }
}

/** Logs are for people: where a container has none yet or the kubelet does not answer, there is nothing to show. */
async function lastLogLine(read: () => Promise<string>): Promise<string | undefined> {
  try {
    const text = (await read()).trim();
    return text === "" ? undefined : text.split("\n").at(-1);
  } catch {
    return undefined;
  }
}

/** The address of each model: its Service bears its name; the versions behind it have Services of their own. */
function endpointsOf(services: readonly ServiceObject[]): Record<string, string> {
  return Object.fromEntries(
    services.flatMap(({ metadata, spec }) => {
      const model = metadata.labels?.[MODEL_LABEL];
      const port = spec.ports?.[0]?.port;
      return model === undefined || metadata.name !== model || spec.clusterIP === undefined || port === undefined
        ? []
        : [[model, `http://${spec.clusterIP}:${port}`]];
    }),
  );
}

function nodeStatus({ metadata, status }: NodeObject, running: readonly PodObject[]): NodeStatus {
  return {
    name: metadata.name,
    ready: status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false,
    pods: running.filter((pod) => pod.spec.nodeName === metadata.name).length,
  };
}
