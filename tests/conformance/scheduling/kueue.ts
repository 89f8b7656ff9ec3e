import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeIfChanged } from "../../../scripts/cluster/parts.ts";
import { freePort } from "../../../scripts/lib/port.ts";
import { toolPath } from "../../../scripts/lib/roots.ts";
import { type Cluster, eventually, type KubernetesObject, kueueObjects } from "../../components/compute/cluster.ts";

const NAMESPACE = "kueue-system";
const SERVICE = "kueue-webhook-service";
const SECRET = "kueue-webhook-server-cert";

/** The kinds of others whose objects Kueue is to look at, beside its own. */
const GROUPS = ["kueue.x-k8s.io", "batch", "apps", ""];

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service: { readonly path: string } };
  readonly rules: readonly { readonly apiGroups: readonly string[] }[];
}

/**
 * Kueue as a process of this machine, on a control plane without nodes that run anything: its definitions, webhooks and
 * controller from its own module, with the administrator's rights. The API server reaches it by a Service that stands for a
 * name outside the cluster, which is this machine's own.
 */
export class Kueue {
  readonly #output: string[];
  readonly #stop: () => Promise<void>;

  private constructor(output: string[], stop: () => Promise<void>) {
    this.#output = output;
    this.#stop = stop;
  }

  /** The end of what it has said. */
  get output(): string {
    return this.#output.join("").split("\n").slice(-30).join("\n");
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  static async start(cluster: Cluster): Promise<Kueue> {
    const [port, health] = [await freePort(), await freePort()];
    await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
    const service = { name: SERVICE, namespace: NAMESPACE };
    await cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: service,
      spec: { type: "ExternalName", externalName: "localhost" },
    });
    // The certificate is Kueue's to make; the Secret must be there.
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: SECRET, namespace: NAMESPACE } };
    await cluster.apply(secret);
    const client = (target: string) => ({ service: { ...service, path: target, port } });
    for (const definition of kueueObjects("definitions")) {
      await cluster.apply(converting(definition, client("/convert")));
    }
    for (const configuration of kueueObjects("webhooks").filter(({ kind }) => kind.endsWith("WebhookConfiguration"))) {
      await cluster.apply(calling(configuration, client));
    }

    const certificates = path.join(cluster.folder, "certificates");
    mkdirSync(certificates);
    const configFile = path.join(cluster.folder, "kueue.json");
    writeFileSync(configFile, JSON.stringify(configuration({ port, health, certificates })));
    const output: string[] = [];
    const child = spawn(
      toolPath("kueue"),
      [`--config=${configFile}`, `--kubeconfig=${cluster.kubeconfig}`, "--feature-gates=VisibilityOnDemand=false"],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => output.push(text));
    }
    let hasEnded = false;
    const ended = once(child, "exit").then(() => {
      hasEnded = true;
    });
    let isStopping = false;
    const mounting = mount(cluster, secret, certificates, () => isStopping);
    const kueue = new Kueue(output, async () => {
      isStopping = true;
      child.kill("SIGKILL");
      await Promise.all([ended, mounting]);
    });
    try {
      await eventually(
        "Kueue's readiness",
        async () => {
          if (hasEnded) {
            throw new Error("Kueue has ended");
          }
          const answer = await fetch(`http://127.0.0.1:${health}/readyz`).catch(() => undefined);
          return answer?.status === 200 ? true : undefined;
        },
        120,
      );
    } catch (error) {
      await kueue.stop();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${kueue.output}`, { cause: error });
    }
    return kueue;
  }
}

/** Puts what is in a Secret into a folder, as the kubelet does, until it is told to end. */
async function mount(
  cluster: Cluster,
  secret: KubernetesObject,
  folder: string,
  isStopping: () => boolean,
): Promise<void> {
  const target = `/api/v1/namespaces/${secret.metadata.namespace}/secrets/${secret.metadata.name}`;
  for (; !isStopping(); await sleep(300)) {
    const { data = {} } = await cluster.get<{ data?: Record<string, string> }>(target);
    for (const [file, content] of Object.entries(data)) {
      // Whole or not at all, and only what is new: Kueue reads them whenever they change.
      writeIfChanged(path.join(folder, file), Buffer.from(content, "base64").toString());
    }
  }
}

function configuration({ port, health, certificates }: { port: number; health: number; certificates: string }) {
  return {
    apiVersion: "config.kueue.x-k8s.io/v1beta2",
    kind: "Configuration",
    namespace: NAMESPACE,
    health: { healthProbeBindAddress: `127.0.0.1:${health}` },
    metrics: { bindAddress: "0" },
    webhook: { host: "127.0.0.1", port, certDir: certificates },
    leaderElection: { leaderElect: false },
    internalCertManagement: { enable: true, webhookServiceName: SERVICE, webhookSecretName: SECRET },
    fairSharing: { preemptionStrategies: ["LessThanOrEqualToFinalShare", "LessThanInitialShare"] },
    integrations: { frameworks: ["batch/job", "pod", "deployment"] },
  };
}

/** The kinds that Kueue stores in one version and serves in two are converted by it. */
function converting(definition: KubernetesObject, clientConfig: object): KubernetesObject {
  const { versions } = definition.spec as { versions: readonly { served: boolean }[] };
  return versions.filter(({ served }) => served).length < 2
    ? definition
    : {
        ...definition,
        spec: {
          ...(definition.spec as object),
          conversion: { strategy: "Webhook", webhook: { clientConfig, conversionReviewVersions: ["v1"] } },
        },
      };
}

/** Its webhooks for the kinds there are, under the names that Kueue looks for; not for the system's namespaces. */
function calling(configuration: KubernetesObject, client: (target: string) => object): KubernetesObject {
  const { webhooks } = configuration as KubernetesObject & { webhooks: readonly Webhook[] };
  const known = webhooks.filter(({ rules }) =>
    rules.every(({ apiGroups }) => apiGroups.every((group) => GROUPS.includes(group))),
  );
  const others = { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system", NAMESPACE] };
  const changed = {
    ...configuration,
    metadata: { name: `kueue-${configuration.metadata.name}` },
    webhooks: known.map((webhook) => ({
      ...webhook,
      clientConfig: client(webhook.clientConfig.service.path),
      namespaceSelector: { matchExpressions: [others] },
    })),
  };
  return changed;
}
