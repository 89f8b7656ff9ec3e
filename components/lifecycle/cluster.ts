import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { PlatformSpec } from "../../stacks/schema.ts";
import { GUARD_VARIABLES } from "../guard/variables.ts";

/** Where a stack's cluster is described. */
export interface KubeconfigReference {
  /** The kubeconfig file, absolute; as `$KUBECONFIG` may be, a list of files with `:` in between. */
  readonly kubeconfig: string;
  readonly context: string;
}

/** A cluster that another stack's outputs describe. */
export interface KubeconfigText {
  /** The kubeconfig itself. */
  readonly text: string;
  readonly context: string;
  /** For people: where it is from. */
  readonly origin: string;
}

export type ClusterReference = KubeconfigReference | KubeconfigText;

/** The context that `npm run up` writes into the local datacenter's kubeconfig. */
const LOCAL_CONTEXT = "millwright";

/** The context that `npm run up` writes into the kubeconfig of the simulated cluster. */
export const SIMULATED_CONTEXT = "millwright-simulated";

/**
 * The kubeconfig and context of a stack's cluster, for whoever connects to it by their own means.
 *
 * @throws Error for a cluster that only a stack's outputs lead to: `eks` and `platform`
 */
export function kubeconfigOf(
  platform: Pick<PlatformSpec, "cluster">,
  env: NodeJS.ProcessEnv = process.env,
): KubeconfigReference {
  const reference = ownKubeconfigOf(platform, env);
  const detour = env[GUARD_VARIABLES.kubeconfig];
  return detour === undefined ? reference : { ...reference, kubeconfig: detour };
}

function ownKubeconfigOf({ cluster }: Pick<PlatformSpec, "cluster">, env: NodeJS.ProcessEnv): KubeconfigReference {
  if (cluster.kind === "local") {
    return {
      kubeconfig: join(resolve(env["MILLWRIGHT_HOME"] || "/var/lib/millwright"), "kubeconfig"),
      context: LOCAL_CONTEXT,
    };
  }
  if (cluster.kind === "simulated") {
    return {
      kubeconfig: join(resolve(env["MILLWRIGHT_HOME"] || "/var/lib/millwright"), "simulated", "kubeconfig"),
      context: SIMULATED_CONTEXT,
    };
  }
  if (cluster.kind !== "existing") {
    throw new Error(`a cluster of kind ${cluster.kind} has no kubeconfig file`);
  }
  const home = env["HOME"] || homedir();
  const written = cluster.kubeconfig ?? (env["KUBECONFIG"] || "~/.kube/config");
  const files = written.split(delimiter).filter((file) => file !== "");
  return {
    kubeconfig: files.map((file) => resolve(file.replace(/^~(?=\/|$)/, home))).join(delimiter),
    context: cluster.context,
  };
}

/** A connection to a cluster's API. */
export interface ClusterConnection {
  /**
   * Reads one path of the API.
   *
   * @throws ApiError where the API answers with anything but 200, and the network's error where it does not answer.
   */
  get(path: string): Promise<unknown>;
  /**
   * Deletes one object, with what it owns after it.
   *
   * @param uid of the object that is meant: one made anew under the name since is left alone
   * @throws as `get` does
   */
  remove(path: string, uid: string): Promise<void>;
  /** Ends idle connections, so that the process can end. */
  close(): void;
}

/** The API answered, but not with what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** How a request reaches the API and proves who sends it. */
interface Access {
  readonly server: URL;
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
}

/** Longest wait for one answer. An API server that needs longer is not one to plan on. */
const TIMEOUT_SECONDS = 30;

/** Connects to a stack's cluster. Nothing is sent before the first `get`. */
export async function clusterConnection(reference: ClusterReference): Promise<ClusterConnection> {
  const access = (await staticAccess(reference)) ?? (await clientAccess(reference));
  return {
    get: (path) => send(access, "GET", path),
    remove: async (path, uid) => {
      const options = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: "Background",
        preconditions: { uid },
      };
      await send(access, "DELETE", path, JSON.stringify(options));
    },
    close: () => access.agent.destroy(),
  };
}

async function send(access: Access, method: "GET" | "DELETE", path: string, content?: string): Promise<unknown> {
  const url = new URL(`${access.server.pathname.replace(/\/$/, "")}${path}`, access.server);
  const type =
    content === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(Buffer.byteLength(content)) };
  const request = (url.protocol === "http:" ? http : https).request(url, {
    method,
    agent: access.agent,
    headers: { ...access.headers, ...type, accept: "application/json" },
    signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
  });
  const { status, body } = await new Promise<{ status: number; body: string }>((fulfil, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        fulfil({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    request.end(content);
  });
  if (status !== 200 && !(method === "DELETE" && status === 202)) {
    throw new ApiError(status, `${status} ${http.STATUS_CODES[status] ?? ""}: ${reasonOf(body)}`);
  }
  try {
    return JSON.parse(body);
  } catch {
    throw new ApiError(
      status,
      `the answer is not JSON but ${JSON.stringify(body.slice(0, 80))}; is this a Kubernetes API?`,
    );
  }
}

/** The API explains a refusal in a Status object; a proxy in between may answer with anything. */
function reasonOf(body: string): string {
  try {
    const { message } = z.object({ message: z.string() }).parse(JSON.parse(body));
    return message;
  } catch {
    return body.trim().slice(0, 200) || "no explanation";
  }
}

/** The kubeconfig fields that name credentials as they are. Strict, so that whatever needs more is left to the client. */
const staticKubeconfig = z.object({
  clusters: z.array(z.object({ name: z.string(), cluster: z.unknown() })),
  users: z.array(z.object({ name: z.string(), user: z.unknown() })),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
});
const staticCluster = z.strictObject({
  server: z.url(),
  "certificate-authority": z.string().optional(),
  "certificate-authority-data": z.base64().optional(),
  "insecure-skip-tls-verify": z.boolean().optional(),
  "tls-server-name": z.string().optional(),
  extensions: z.unknown().optional(),
});
const staticUser = z.strictObject({
  "client-certificate": z.string().optional(),
  "client-certificate-data": z.base64().optional(),
  "client-key": z.string().optional(),
  "client-key-data": z.base64().optional(),
  token: z.string().optional(),
});

/**
 * Access by certificate or token, read here because loading the whole Kubernetes client takes half a second of every run.
 * Undefined where the kubeconfig asks for more: several files, a login command, a proxy.
 */
async function staticAccess(reference: ClusterReference): Promise<Access | undefined> {
  const { context: name } = reference;
  const isText = "text" in reference;
  if (!isText && reference.kubeconfig.includes(delimiter)) {
    return undefined;
  }
  const folder = isText ? "." : dirname(reference.kubeconfig);
  const text = isText ? reference.text : await readFile(reference.kubeconfig, "utf8");
  const config = staticKubeconfig.safeParse(parse(text));
  const context = config.data?.contexts.find((candidate) => candidate.name === name)?.context;
  const cluster = staticCluster.safeParse(
    config.data?.clusters.find((candidate) => candidate.name === context?.cluster)?.cluster,
  );
  const user = staticUser.safeParse(config.data?.users.find((candidate) => candidate.name === context?.user)?.user);
  if (!cluster.success || !user.success) {
    return undefined;
  }
  const material = async (data: string | undefined, file: string | undefined) =>
    data !== undefined
      ? Buffer.from(data, "base64")
      : file === undefined
        ? undefined
        : await readFile(resolve(folder, file));
  const [ca, cert, key] = await Promise.all([
    material(cluster.data["certificate-authority-data"], cluster.data["certificate-authority"]),
    material(user.data["client-certificate-data"], user.data["client-certificate"]),
    material(user.data["client-key-data"], user.data["client-key"]),
  ]);
  const server = new URL(cluster.data.server);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(cluster.data["tls-server-name"] === undefined ? {} : { servername: cluster.data["tls-server-name"] }),
    rejectUnauthorized: cluster.data["insecure-skip-tls-verify"] !== true,
  };
  return {
    server,
    agent:
      server.protocol === "http:" ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true, ...tls }),
    headers: user.data.token === undefined ? {} : { authorization: `Bearer ${user.data.token}` },
  };
}

/** Access by whatever else a kubeconfig can ask for, as the Kubernetes client understands it. */
async function clientAccess(reference: ClusterReference): Promise<Access> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const { context } = reference;
  const config = new KubeConfig();
  if ("text" in reference) {
    config.loadFromString(reference.text);
  } else {
    const [first = reference.kubeconfig, ...more] = reference.kubeconfig.split(delimiter);
    config.loadFromFile(first);
    for (const file of more) {
      const next = new KubeConfig();
      next.loadFromFile(file);
      config.mergeConfig(next, true);
    }
  }
  const known = config.getContexts().map(({ name }) => name);
  if (!known.includes(context)) {
    throw new Error(`the kubeconfig has no context ${context}; it has ${known.join(", ") || "none"}`);
  }
  config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new Error(`the kubeconfig's context ${context} names a cluster that the file does not hold`);
  }
  const options: https.RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]);
  const basic = typeof options.auth === "string" ? `Basic ${Buffer.from(options.auth).toString("base64")}` : undefined;
  return {
    server: new URL(server),
    agent: options.agent instanceof http.Agent ? options.agent : new https.Agent({ keepAlive: true }),
    headers: { ...Object.fromEntries(headers), ...(basic === undefined ? {} : { authorization: basic }) },
  };
}
