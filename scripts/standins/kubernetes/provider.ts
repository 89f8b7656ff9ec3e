import type { Log } from "../lib/engine.ts";
import type { Configuration } from "./configuration.ts";
import type { Context } from "./context.ts";
import type { Diff } from "./diff.ts";
import { Discovery } from "./discovery.ts";
import { loadKubeconfig } from "./kubeconfig.ts";
import { type CheckRequest, type CheckResult, check, type Predecessors } from "./operations/check.ts";
import { type CreateRequest, create, type Outcome } from "./operations/create.ts";
import { type DeleteRequest, remove } from "./operations/delete.ts";
import { type DiffRequest, diff } from "./operations/diff.ts";
import { type ReadRequest, type ReadResult, read } from "./operations/read.ts";
import { type UpdateRequest, update } from "./operations/update.ts";
import { RestClient } from "./rest.ts";

/** The provider without its wire format: one instance for one cluster, for the length of one engine operation. */
export class KubernetesProvider {
  private readonly cancellation = new AbortController();
  private readonly predecessors: Predecessors = new Map();
  /** Resources whose last diff asked for a replacement. */
  private readonly replacing = new Set<string>();
  private readonly log: Log;
  private context: Context | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  /** Reads the kubeconfig; talks to nobody. @throws KubeconfigProblem */
  configure(configuration: Configuration): void {
    const kubeconfig = loadKubeconfig(configuration);
    const client = new RestClient(kubeconfig);
    const own = kubeconfig.getContextObject(kubeconfig.getCurrentContext())?.namespace;
    this.context = {
      configuration,
      client,
      discovery: new Discovery(client),
      defaultNamespace: configuration.namespace || own || "default",
      log: this.log,
      signal: this.cancellation.signal,
    };
  }

  async check(request: CheckRequest): Promise<CheckResult> {
    return await check(this.configured(), request, this.predecessors);
  }

  async diff(request: DiffRequest): Promise<Diff> {
    const result = await diff(this.configured(), request);
    if (result.replaces.length > 0) this.replacing.add(request.urn);
    return result;
  }

  async create(request: Omit<CreateRequest, "isReplacement">): Promise<Outcome> {
    return await create(this.configured(), { ...request, isReplacement: this.replacing.has(request.urn) });
  }

  async update(request: UpdateRequest): Promise<Outcome> {
    return await update(this.configured(), request);
  }

  async read(request: ReadRequest): Promise<ReadResult | undefined> {
    return await read(this.configured(), request);
  }

  async remove(request: DeleteRequest): Promise<void> {
    await remove(this.configured(), request);
  }

  /** Ends waits; what is being made is reported as far as it came. */
  cancel(): void {
    this.cancellation.abort();
  }

  close(): void {
    this.cancel();
    this.context?.client.close();
  }

  private configured(): Context {
    if (this.context === undefined) throw new Error("the provider was used before it was configured");
    return this.context;
  }
}
